"""A project's pytest options: what would get in the way is taken out, the rest stays."""

from __future__ import annotations

import shlex

import pytest

from paramedic_workers.healing.injected.paramedic_probe.options import names_of, without_harmful


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("-n 4 --dist loadfile tests", "tests"),
        ("-n4 -nauto --numprocesses=2", ""),
        ("-x --maxfail=1 --maxfail 2 --exitfirst", ""),
        ("--cov --cov=shop --cov shop --cov-report term --cov-fail-under=90 -q", "-q"),
        ("-xvs", "-v -s"),
        ("-vx", "-v"),
        ("-x -p xdist -p no:cacheprovider", "-p xdist -p no:cacheprovider"),
        ("-qxn 4 tests", "-q tests"),
        ("-n -x", ""),
        ("--lf --ff --sw --pdb --forked --reruns 3 --reruns=2", ""),
        ("--import-mode=importlib -o xfail_strict=true -W error", None),
        ("-m 'not slow' -k fast --strict-markers", None),
        ("-rxXs -v", "-r xXs -v"),
        ("-oaddopts= -v", "-o addopts= -v"),
        ("-m '-x and y'", None),
        ("-q -- -x", None),
        ("", ""),
    ],
)
def test_harmful_options_are_taken_out_and_all_others_stay(given: str, kept: str | None) -> None:
    expected = shlex.split(given if kept is None else kept)
    assert without_harmful(shlex.split(given), selecting=False) == expected


def test_options_that_select_tests_have_no_say_where_tests_are_named() -> None:
    given = ["-m", "not slow", "-kfast", "-k", "fast", "--deselect=tests/a.py", "-v"]
    assert without_harmful(given, selecting=True) == ["-v"]


@pytest.mark.parametrize(
    ("nodeid", "test", "named"),
    [
        ("tests/a.py::test_x", "tests/a.py::test_x", True),
        ("tests/a.py::test_x[1]", "tests/a.py::test_x", True),
        ("tests/a.py::test_xy", "tests/a.py::test_x", False),
        ("tests/a.py::T::test_x", "tests/a.py::T", True),
        ("tests/a.py::test_x", "tests/a.py", True),
        ("tests/a.py::test_x", "tests", True),
        ("tests/deep/a.py::test_x", "tests/deep", True),
        ("tests/a.py::test_x[a/b::c]", "tests/a.py::test_x[a", False),
        ("tests2/a.py::test_x", "tests", False),
        ("tests/a.py::test_x[a::b]", "tests/a.py::test_x[a::b]", True),
        ("tests/[id]/a.py::test_x[1]", "tests/[id]/a.py::test_x", True),
        ("tests/[id]/a.py::test_x", "tests/[id]", True),
    ],
)
def test_a_name_stands_for_a_test_and_for_all_inside_it(
    nodeid: str, test: str, named: bool
) -> None:
    assert (test in names_of(nodeid)) is named
