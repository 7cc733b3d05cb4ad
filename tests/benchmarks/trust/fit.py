"""Fits the trust model to data, and shows how far it holds.

    python -m tests.benchmarks.trust.fit [DATA.jsonl …] [--write]

Without files, those of the repository. What is printed comes from cross-validation: no
patch is judged by a model that has seen a patch of the same bug, or, of a history, of the
same package. `--write` renews the coefficients in the package and the tables in
docs/trust.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from paramedic_workers.repair import Trust
from paramedic_workers.repair import trust as trust_package
from paramedic_workers.repair.trust.features import FEATURES, vector
from paramedic_workers.repair.trust.model import Model, speaks_against, stays_low
from tests.benchmarks.trust import regression
from tests.benchmarks.trust.data import Sample, packaged_files, read_samples, weights
from tests.benchmarks.trust.regression import Regression

#: Share of wrong patches that is expected at most among those of high and of medium trust;
#: of a history alone too.
HIGH_WRONG, MEDIUM_WRONG = 0.05, 0.25
HIGH_WRONG_IN_HISTORY = 0.1
#: The least thresholds, however few patches were wrong: other bugs are harder than these.
LEAST_HIGH, LEAST_MEDIUM = 0.85, 0.5
#: Parts of the data that are left out in turn.
_FOLDS = 10
#: Thresholds that are looked at.
_STEPS = [step / 100 for step in range(50, 99)]

_COEFFICIENTS = Path(trust_package.__file__).with_name("coefficients.json")
_PAGE = Path(__file__).parents[3] / "docs" / "trust.md"
#: Stand around the tables in the page.
_BEGIN, _END = "<!-- tables -->", "<!-- /tables -->"


def fitted(samples: Sequence[Sample]) -> Model:
    """The model of these samples, with thresholds from cross-validation."""
    chances = held_out(samples)
    offered = [
        (chance, sample) for sample, chance in zip(samples, chances, strict=True) if sample.offered
    ]
    may_be_high = [(c, s) for c, s in offered if not speaks_against(s.evidence)]
    high = max(
        _threshold(may_be_high, LEAST_HIGH, HIGH_WRONG),
        _threshold(_of_history(may_be_high), LEAST_HIGH, HIGH_WRONG_IN_HISTORY, unseen=0.0),
    )
    may_be_medium = [(c, s) for c, s in offered if not stays_low(s.evidence)]
    medium = max(
        _threshold(may_be_medium, LEAST_MEDIUM, MEDIUM_WRONG),
        _threshold(_of_history(may_be_medium), LEAST_MEDIUM, MEDIUM_WRONG),
    )
    high = max(high, medium)
    return _fit(samples, high, medium)


def held_out(samples: Sequence[Sample]) -> list[float]:
    """The chance of each sample by a model that was fitted without its bug or package."""
    groups = sorted({sample.group for sample in samples})
    fold = {group: number % _FOLDS for number, group in enumerate(groups)}
    models = [
        _fit([sample for sample in samples if fold[sample.group] != left_out])
        for left_out in range(min(_FOLDS, len(groups)))
    ]
    return [models[fold[sample.group]].chance(sample.evidence) for sample in samples]


def _fit(samples: Sequence[Sample], high: float = 1.0, medium: float = 0.0) -> Model:
    found = Regression(
        [
            regression.Sample(vector(sample.evidence), sample.right, importance)
            for sample, importance in zip(samples, weights(samples), strict=True)
        ],
        [feature.expected for feature in FEATURES],
    )
    found.fit()
    rounded = tuple(round(weight, 4) for weight in found.weights)
    return Model(round(found.bias, 4), rounded, high, medium)


def _threshold(
    offered: Sequence[tuple[float, Sample]], least: float, wrong: float, unseen: float = 0.5
) -> float:
    """The lowest chance from which on few enough of the offered patches are wrong.

    One more wrong patch than was seen is reckoned with half, because few were seen; not
    for high trust in a history, where the rules alone leave hardly any.
    """
    if not offered:
        return least
    for threshold in (step for step in _STEPS if step >= least):
        above = [sample.right for chance, sample in offered if chance >= threshold]
        if above.count(False) + unseen <= wrong * (len(above) + 2 * unseen):
            return threshold
    return _STEPS[-1]


def _of_history(offered: Sequence[tuple[float, Sample]]) -> list[tuple[float, Sample]]:
    return [(chance, sample) for chance, sample in offered if sample.real]


# -- telling -----------------------------------------------------------------------------


def tables(samples: Sequence[Sample], model: Model) -> Iterator[str]:
    """The tables of the page, in Markdown."""
    chances = held_out(samples)
    offered = [(s, c) for s, c in zip(samples, chances, strict=True) if s.offered]
    yield "| trust | small bugs: right | wrong | real history: right | wrong |"
    yield "| --- | --- | --- | --- | --- |"
    for trust in Trust:
        found = [s for s, c in offered if model.trust_given(c, s.evidence) is trust]
        counts = [
            sum(sample.right is right for sample in found if sample.real is real)
            for real in (False, True)
            for right in (True, False)
        ]
        yield f"| {trust} | {' | '.join(map(str, counts))} |"
    yield ""
    yield "| chance by the model | patches | mean chance | right |"
    yield "| --- | --- | --- | --- |"
    for low in range(0, 100, 20):
        inside = [
            (s.right, c) for s, c in zip(samples, chances, strict=True) if low <= 100 * c < low + 20
        ]
        if inside:
            mean = sum(chance for _, chance in inside) / len(inside)
            share = sum(truth for truth, _ in inside) / len(inside)
            yield f"| {low} to {low + 20} % | {len(inside)} | {mean:.0%} | {share:.0%} |"
    yield ""
    yield "| feature | expected | fitted |"
    yield "| --- | --- | --- |"
    for feature, weight in zip(FEATURES, model.weights, strict=True):
        yield f"| {feature.name} | {feature.expected:+.1f} | {weight:+.2f} |"


def with_tables(page: str, lines: Iterable[str]) -> str:
    """The page with these lines in place of its tables.

    Raises:
        ValueError: it has no place for tables.
    """
    before, begin, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not end:
        raise ValueError("the page has no place for tables")
    return "\n".join([before + begin, *lines, end + after])


def as_json(model: Model, samples: Sequence[Sample]) -> str:
    """The file of coefficients."""
    names = [feature.name for feature in FEATURES]
    document = {
        "fitted to": {
            "bugs": len({sample.source for sample in samples}),
            "patches": len(samples),
        },
        "bias": model.bias,
        "weights": dict(zip(names, model.weights, strict=True)),
        "high": model.high,
        "medium": model.medium,
    }
    return json.dumps(document, indent=2) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit, print, and write where that is asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", nargs="*", type=Path)
    parser.add_argument("--write", action="store_true", help="renew the package's coefficients")
    options = parser.parse_args(arguments)
    samples = read_samples(options.data or packaged_files())
    model = fitted(samples)
    lines = list(tables(samples, model))
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.write(f"\nbias {model.bias}, high from {model.high}, medium from {model.medium}\n")
    if options.write:
        _COEFFICIENTS.write_text(as_json(model, samples), encoding="utf-8")
        page = _PAGE.read_text(encoding="utf-8")
        _PAGE.write_text(with_tables(page, lines), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
