"""How well tests pin an edit: which slips in its place they refuse."""

from __future__ import annotations

from pathlib import Path

import pytest

from paramedic_workers.repair import repair
from paramedic_workers.repair.edits import Candidate
from paramedic_workers.repair.source import Replacement
from paramedic_workers.repair.trust.pinning import Pinning, pinning
from paramedic_workers.repair.trust.variants import variants
from tests.support.prepared import Prepared, prepared
from tests.support.projects import write_project

SHOP = """
    LIMIT = 100

    def total(prices, discount=0):
        amount = sum(prices)
        if amount > LIMIT:
            amount = amount + discount
        return amount
"""
FAILING = "test_shop.py::test_discount"
LOOSE = """
    import shop

    def test_discount():
        assert shop.total([80, 70], 10) < 150

    def test_small():
        assert shop.total([4, 8], 3) == 12
"""
STRICT = """
    import shop

    def test_discount():
        assert shop.total([80, 70], 10) == 140
        assert shop.total([80, 21], 1) == 100
        assert shop.total([300], 50) == 250

    def test_small():
        assert shop.total([4, 8], 3) == 12
        assert shop.total([60, 40], 5) == 100
"""


def minus(ready: Prepared) -> Candidate:
    """`amount - discount` in place of `amount + discount`."""
    function = next(c.function for c in ready.candidates if c.function)
    start = function.source.text.index("+ discount")
    line = function.source.line_of(start)
    part = Replacement(start, start + 1, "-")
    return Candidate(function.source, function, (part,), "arithmetic operator", "", line, 1.0)


def pinned(folder: Path, tests: str) -> Pinning:
    project = write_project(folder, {"shop.py": SHOP, "test_shop.py": tests})
    with prepared(project, [FAILING]) as ready:
        return pinning(ready.validator, minus(ready), ready.seen.knowledge, left=600.0)


def test_strict_tests_refuse_more_slips_than_loose_ones(tmp_path: Path) -> None:
    (tmp_path / "strict").mkdir()
    (tmp_path / "loose").mkdir()
    strict, loose = pinned(tmp_path / "strict", STRICT), pinned(tmp_path / "loose", LOOSE)
    assert strict.inside == loose.inside >= 5
    # Some slips change nothing here: `int(amount)`.
    assert loose.inside_refused + 4 <= strict.inside_refused < strict.inside


def test_variants_are_slips_of_the_edit_and_none_is_the_edit_or_what_was_there(
    tmp_path: Path,
) -> None:
    project = write_project(tmp_path, {"shop.py": SHOP, "test_shop.py": LOOSE})
    with prepared(project, [FAILING]) as ready:
        edit = minus(ready)
        found = variants(edit, ready.seen.knowledge, 24, 16)
        few = variants(edit, ready.seen.knowledge, 2, 0)
    texts = [variant.text() for variant in (*found.inside, *found.around)]
    assert len(set(texts)) == len(texts)
    assert edit.text() not in texts
    assert edit.source.text not in texts
    assert any("amount * discount" in text for text in texts)
    assert any("amount - amount" in text for text in texts)
    assert all(variant.line == edit.line for variant in found.inside)
    assert [v.text() for v in few.inside] == texts[:2]
    assert not few.around


def test_a_condition_is_varied_by_one_that_always_or_never_holds(tmp_path: Path) -> None:
    project = write_project(tmp_path, {"shop.py": SHOP, "test_shop.py": LOOSE})
    with prepared(project, [FAILING]) as ready:
        plain = minus(ready)
        function = plain.function
        assert function is not None
        start = plain.source.text.index("> LIMIT")
        part = Replacement(start, start + 1, ">=")
        edit = Candidate(plain.source, function, (part,), "comparison operator", "", 6, 1.0)
        found = variants(edit, ready.seen.knowledge, 40, 40)
    texts = [variant.text() for variant in (*found.inside, *found.around)]
    assert any("if True:" in text for text in texts)
    assert any("if False:" in text for text in texts)


def test_an_edit_outside_of_functions_has_no_variants(tmp_path: Path) -> None:
    project = write_project(tmp_path, {"shop.py": SHOP, "test_shop.py": LOOSE})
    with prepared(project, [FAILING]) as ready:
        source = minus(ready).source
        start = source.text.index("100")
        edit = Candidate(source, None, (Replacement(start, start + 3, "99"),), "number", "", 1, 1.0)
        assert variants(edit, ready.seen.knowledge, 24, 16).inside == ()
        assert pinning(ready.validator, edit, ready.seen.knowledge, left=60.0) == Pinning()


def test_nothing_is_tried_when_the_time_is_up(tmp_path: Path) -> None:
    project = write_project(tmp_path, {"shop.py": SHOP, "test_shop.py": LOOSE})
    with prepared(project, [FAILING]) as ready:
        found = pinning(ready.validator, minus(ready), ready.seen.knowledge, left=0.0)
    assert found == Pinning()


@pytest.mark.parametrize(("tests", "at_least", "below"), [(STRICT, 0.7, 1.0), (LOOSE, 0.0, 0.6)])
def test_the_engine_tells_how_well_its_patch_is_pinned(
    tmp_path: Path, tests: str, at_least: float, below: float
) -> None:
    project = write_project(tmp_path, {"shop.py": SHOP, "test_shop.py": tests})
    patch = repair(project, [FAILING], 120.0).patches[0]
    evidence = patch.evidence
    assert evidence.variants
    share = evidence.variants_refused / evidence.variants
    assert at_least <= share < below, patch.title
    assert evidence.lines_run == 4
    assert not evidence.crashes
    assert not evidence.raises
