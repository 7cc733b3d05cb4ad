"""Files that do not parse, mended first, so that the search can go on behind them.

Where no single edit that makes a file parse lets the tests pass, there is more to heal:
another file that does not parse, or a mistake in the logic. The mended texts are given to
the target's processes in place of the files, and everything starts again with them; what
is found then is one patch together with the mends.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from paramedic_workers.repair.diffs import unified_diff
from paramedic_workers.repair.edits import Candidate
from paramedic_workers.repair.messages import Greeting
from paramedic_workers.repair.model import RankedPatch, Trust
from paramedic_workers.repair.source import Text
from paramedic_workers.repair.syntax.files import BrokenFile
from paramedic_workers.repair.syntax.mends import Mend, mends
from paramedic_workers.repair.targets import FailingTest

#: Ways to mend a single broken file that are gone on behind; of several files, one way.
_WAYS = 2
#: Share of the time left in which ways are looked for.
_LOOKING_SHARE = 0.2


@dataclass(frozen=True)
class Mended:
    """One way to make every broken file parse; empty where no file is broken."""

    mends: Mapping[Path, tuple[Text, Mend]] = field(default_factory=dict)

    @property
    def texts(self) -> dict[str, str]:
        """Absolute path -> text that parses."""
        return {str(path): mend.text for path, (_, mend) in self.mends.items()}

    def alone(self) -> RankedPatch | None:
        """The mends as a patch; None where their diff cannot be shown."""
        diff = self._diff({})
        if diff is None:
            return None
        first = next(iter(self.mends.values()))[1]
        return RankedPatch(
            diff=diff,
            template=first.kind,
            title=self._title(),
            score=min(mend.weight for _, mend in self.mends.values()),
            trust=Trust.MEDIUM,
            reasons=(self._reason(),),
        )

    def with_patches(
        self, patches: Sequence[RankedPatch], candidates: Sequence[Candidate]
    ) -> tuple[RankedPatch, ...]:
        """Patches of mended files, each together with the mends.

        Args:
            patches: their diffs are against the mended texts.
            candidates: what the patches were made of.
        """
        by_diff = {unified_diff(one.source, one.text()): one for one in candidates}
        joined = (self._with(patch, by_diff[patch.diff]) for patch in patches)
        return tuple(patch for patch in joined if patch is not None)

    def _with(self, patch: RankedPatch, candidate: Candidate) -> RankedPatch | None:
        diff = self._diff({candidate.source.path: candidate.text()}, candidate.source)
        if diff is None:
            return None
        return replace(
            patch,
            diff=diff,
            title=f"{self._title()}; {patch.title}",
            trust=Trust.LOW if patch.trust is Trust.LOW else Trust.MEDIUM,
            reasons=(self._reason(), *patch.reasons),
        )

    def _diff(self, edited: Mapping[Path, str], other: Text | None = None) -> str | None:
        files = {path: (text, mend.text) for path, (text, mend) in self.mends.items()}
        for path, text in edited.items():
            original = files[path][0] if path in files else other
            assert original is not None
            files[path] = (original, text)
        ordered = sorted(files.values(), key=lambda pair: pair[0].relative)
        diffs = [unified_diff(before, after) for before, after in ordered]
        return None if None in diffs else "".join(diff for diff in diffs if diff)

    def _title(self) -> str:
        return "; ".join(f"{mend.title} in {text.relative}" for text, mend in self.mends.values())

    def _reason(self) -> str:
        if len(self.mends) == 1:
            return "The file did not parse, and making it parse was not enough."
        return f"{len(self.mends)} files did not parse."


def ways(broken: Sequence[BrokenFile], deadline: float) -> Iterator[Mended]:
    """Ways to make all of these files parse, the likeliest first.

    Args:
        broken: files that do not parse.
        deadline: `time.monotonic()` at which the repair must end.
    """
    now = time.monotonic()
    until = now + _LOOKING_SHARE * max(0.0, deadline - now)
    most = _WAYS if len(broken) == 1 else 1
    found = [list(islice(mends(file.text.text, deadline=until), most)) for file in broken]
    for way in range(most):
        if all(len(of_file) > way for of_file in found):
            chosen = zip(broken, found, strict=True)
            yield Mended({file.text.path: (file.text, of[way]) for file, of in chosen})


def with_names(targets: Sequence[FailingTest], greeting: Greeting) -> list[FailingTest]:
    """Failing tests; for a file that could not be collected, the tests that it has now."""
    found = []
    for target in targets:
        if target.name:
            found.append(target)
            continue
        tests = [test for test in greeting.tests if test.file == str(target.file)]
        found += [FailingTest(test.id, target.file, test.name) for test in tests] or [target]
    return found
