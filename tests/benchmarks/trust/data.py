"""Evidence about patches with the truth about them, from JSONL files.

One line a patch: `source` (the bug), `label` (`right` or `wrong`), `evidence` (numbers,
see `paramedic_workers.repair.trust.evidence`), `real` where it is of a repository's history,
`offered` whether it is the one that was offered, where that is not simply the first: what
the proof refutes is not. No code is in them.
"""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from paramedic_workers.repair.trust.evidence import Evidence

#: The data that the model of the package is fitted to.
FOLDER = Path(__file__).parent / "data"

_FIELDS = frozenset(field.name for field in dataclasses.fields(Evidence))
#: How much all patches of one bug that are not offered weigh, the offered one weighing 1.
_OTHERS = 1.0
#: How much more a bug of a repository's history weighs than a small one: it is what counts.
_REAL = 3.0


@dataclass(frozen=True)
class Sample:
    """One patch of which it is known whether it is right."""

    source: str
    evidence: Evidence
    right: bool
    #: It is of a repository's history, and no small bug of a benchmark.
    real: bool = False
    #: Whether it was offered, where that is known: the proof may refute the first one.
    chosen: bool | None = None

    @property
    def offered(self) -> bool:
        """Whether it is the patch that is offered."""
        return self.evidence.position == 0 if self.chosen is None else self.chosen

    @property
    def group(self) -> str:
        """What is left out together in cross-validation: a bug, of a history all of a package."""
        return self.source.partition(" ")[0] if self.real else self.source


def read_samples(files: Iterable[Path]) -> list[Sample]:
    """The samples of these files, in order.

    Raises:
        ValueError: a line is no sample.
    """
    samples = []
    for file in files:
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
            try:
                samples.append(_sample(json.loads(line)))
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(f"{file}, line {number}: {error!r}") from error
    return samples


def packaged_files() -> list[Path]:
    """The files of the repository."""
    return sorted(FOLDER.glob("*.jsonl"))


def weights(samples: Sequence[Sample]) -> list[float]:
    """How much each sample counts: a bug with many patches not more than one with two."""
    others = Counter(sample.source for sample in samples if not sample.offered)
    return [
        (_REAL if sample.real else 1.0)
        * (1.0 if sample.offered else _OTHERS / others[sample.source])
        for sample in samples
    ]


def _sample(entry: dict[str, object]) -> Sample:
    given = entry["evidence"]
    if not isinstance(given, dict) or entry["label"] not in ("right", "wrong"):
        raise ValueError("it has no evidence, or another label than right and wrong")
    evidence = Evidence(**{name: value for name, value in given.items() if name in _FIELDS})
    if evidence.inputs_compared and "rivals_compared" not in given:
        # Of the time when only the first ten were compared, and that was not told.
        evidence = dataclasses.replace(evidence, rivals_compared=min(9, evidence.plausible - 1))
    return Sample(
        source=str(entry["source"]),
        evidence=evidence,
        right=entry["label"] == "right",
        real=bool(entry.get("real")),
        chosen=bool(entry["offered"]) if "offered" in entry else None,
    )
