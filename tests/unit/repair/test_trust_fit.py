"""The fit of the trust model: it finds what is in the data, and the package has its result."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from paramedic_workers.repair.trust.evidence import Evidence
from paramedic_workers.repair.trust.features import FEATURES
from paramedic_workers.repair.trust.model import Model, logistic
from tests.benchmarks.trust import fit
from tests.benchmarks.trust.data import Sample, packaged_files, read_samples, weights
from tests.benchmarks.trust.regression import Regression
from tests.benchmarks.trust.regression import Sample as Row


def drawn(true: list[float], number: int) -> list[Row]:
    """Samples of a model with these weights."""
    dice = random.Random(0)
    rows = []
    for _ in range(number):
        features = [dice.random() * 3 for _ in true]
        chance = logistic(-1.0 + sum(w * f for w, f in zip(true, features, strict=True)))
        rows.append(Row(features, dice.random() < chance))
    return rows


def test_the_weights_that_made_the_data_are_found() -> None:
    found = Regression(drawn([1.5, -1.0], 3000), [0.5, -0.5])
    found.fit()
    assert found.bias == pytest.approx(-1.0, abs=0.3)
    assert found.weights == pytest.approx([1.5, -1.0], abs=0.2)


def test_a_weight_never_takes_the_other_direction_and_stays_where_no_data_are() -> None:
    found = Regression(drawn([-1.5, 1.0], 1000), [0.5, -0.5])
    found.fit()
    assert found.weights == [0.0, 0.0]
    unknown = Regression([Row([0.0, 1.0], True), Row([0.0, 2.0], False)], [0.7, -0.5])
    unknown.fit()
    assert unknown.weights[0] == 0.7


def test_what_counts_little_changes_little() -> None:
    rows = drawn([1.0], 500)
    doubted = [Row(row.features, not row.right, 0.01) for row in rows]
    plain, mixed = Regression(rows, [0.5]), Regression([*rows, *doubted], [0.5])
    plain.fit()
    mixed.fit()
    assert mixed.weights == pytest.approx(plain.weights, abs=0.1)


def samples(right: int, wrong: int) -> list[Sample]:
    """Bugs of which the usual edits are right."""
    good = Evidence(usual=True, failing_on_line=3, passing_on_line=3)
    bad = Evidence(rivals_disagreeing=5, inputs_compared=10, rival_share=0.6, easy=True)
    return [Sample(f"r{n}", good, True) for n in range(right)] + [
        Sample(f"w{n}", bad, False) for n in range(wrong)
    ]


def test_thresholds_keep_the_wrong_ones_out() -> None:
    found = samples(60, 40)
    model = fit.fitted(found)
    assert 0 < model.medium <= model.high < 1
    assert model.chance(found[0].evidence) >= model.high
    assert model.chance(found[-1].evidence) < model.medium
    told = "\n".join(fit.tables(found, model))
    assert "| high | 60 | 0 | 0 | 0 |" in told
    assert "| low | 0 | 40 | 0 | 0 |" in told


def test_small_bugs_do_not_hide_that_patches_of_real_history_are_wrong() -> None:
    found = samples(60, 0)
    even = Evidence(usual=True, failing_on_line=3, passing_on_line=3, lines_run=400)
    real = [Sample(f"p{n} c", even, n % 2 == 0, real=True) for n in range(20)]
    alone, together = fit.fitted([*found, *samples(0, 40)]), fit.fitted([*found, *real])
    assert together.medium > alone.medium
    assert together.chance(found[0].evidence) > together.chance(even)
    told = "\n".join(fit.tables([*found, *real], together))
    assert "| high | 60 | 0 | 0 | 0 |" in told
    assert "| low | 0 | 0 | 10 | 10 |" in told


def test_what_the_proof_has_refuted_sets_no_threshold() -> None:
    found = samples(60, 40)
    refuted = [replace(s, source=f"x{n}", right=False, chosen=False) for n, s in enumerate(found)]
    assert not any(sample.offered for sample in refuted)
    assert all(sample.offered for sample in found)
    alone, together = fit.fitted(found), fit.fitted([*found, *refuted[60:]])
    assert (together.high, together.medium) == (alone.high, alone.medium)


def test_a_history_is_left_out_by_package() -> None:
    real = Sample("h11 28f3715f63", Evidence(), True, real=True)
    assert real.group == "h11"
    assert replace(real, real=False).group == real.source


def test_tables_are_put_into_the_page_in_place_of_the_old_ones() -> None:
    page = "a\n<!-- tables -->\nold\n<!-- /tables -->\nb\n"
    assert fit.with_tables(page, ["| x |"]) == "a\n<!-- tables -->\n| x |\n<!-- /tables -->\nb\n"
    with pytest.raises(ValueError, match="no place"):
        fit.with_tables("a page", [])


def test_a_bug_with_many_patches_counts_no_more_than_one_with_two() -> None:
    others = [Sample("a", Evidence(position=n), False) for n in range(5)]
    assert weights(others) == [1.0, 0.25, 0.25, 0.25, 0.25]
    [real] = weights([Sample("b", Evidence(), True, real=True)])
    assert real > 1


def test_lines_that_are_no_samples_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "data.jsonl"
    good = {"source": "a", "label": "right", "evidence": {"plausible": 2, "of_the_future": 1}}
    file.write_text(json.dumps(good) + "\n" + json.dumps({**good, "label": "maybe"}) + "\n")
    with pytest.raises(ValueError, match="line 2"):
        read_samples([file])
    file.write_text(json.dumps(good))
    assert read_samples([file]) == [Sample("a", Evidence(plausible=2), True)]


def test_the_package_has_what_the_script_fits_to_the_data() -> None:
    files = packaged_files()
    assert files
    again, packaged = fit.fitted(read_samples(files)), Model.read()
    assert packaged.weights == pytest.approx(again.weights, abs=0.01), (
        "run python -m tests.benchmarks.trust.fit --write"
    )
    assert (packaged.high, packaged.medium) == (again.high, again.medium)
    assert len(packaged.weights) == len(FEATURES)
