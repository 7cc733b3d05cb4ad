"""Clusters: failing tests that look like one cause."""

from __future__ import annotations

from paramedic.event import Frame
from paramedic_workers.healing.clusters import Cluster, clustered
from paramedic_workers.healing.model import TestOutcome, TestReport
from paramedic_workers.healing.tamper import is_test_file


def frame(file: str, function: str) -> Frame:
    return Frame(
        file=file, module=file.removesuffix(".py").replace("/", "."), function=function, line=1
    )


def failing(name: str, *places: str, seconds: float = 0.1) -> TestReport:
    frames = [frame("tests/test_shop.py", name)]
    frames += [frame(*place.split(":")) for place in places]
    return TestReport(
        test=f"tests/test_shop.py::{name}",
        outcome=TestOutcome.FAILED,
        exception_type="AssertionError",
        frames=tuple(frames),
        seconds=seconds,
    )


def names(clusters: list[Cluster]) -> list[list[str]]:
    return [[test.partition("::")[2] for test in cluster.tests] for cluster in clusters]


def test_tests_that_raise_in_one_function_belong_together_the_fastest_first() -> None:
    reports = [
        failing("test_a", "shop/cart.py:total", seconds=2.0),
        failing("test_b", "shop/stock.py:take"),
        failing("test_c", "shop/till.py:pay", "shop/cart.py:total", seconds=1.0),
    ]
    clusters = clustered(reports, {}, is_test_file)
    assert names(clusters) == [["test_c", "test_a"], ["test_b"]]
    assert clusters[0].shares == "shop.cart.total"


def test_an_exception_in_a_tests_own_helper_counts_for_the_code_that_called_it() -> None:
    reports = [failing("test_a", "shop/cart.py:total", "tests/helpers.py:callback")]
    assert clustered(reports, {}, is_test_file)[0].shares == "shop.cart.total"


def test_assertions_are_gathered_around_lines_that_only_failing_tests_run() -> None:
    reports = [failing(name) for name in ("test_a", "test_b", "test_c", "test_d")]
    everywhere = {1, 2}
    runs = {
        "test_a": {10, 11},
        "test_b": {10},
        "test_c": {20},
        "test_d": {20, 21},
        "test_ok": set(),
        "test_fine": set(),
    }
    coverage = {
        f"tests/test_shop.py::{name}": {
            "shop/cart.py": frozenset(lines | everywhere),
            "tests/test_shop.py": frozenset({1}),
        }
        for name, lines in runs.items()
    }
    assert names(clustered(reports, coverage, is_test_file)) == [
        ["test_a", "test_b"],
        ["test_c", "test_d"],
    ]


def test_tests_of_which_nothing_is_known_are_clusters_of_their_own() -> None:
    assert names(clustered([failing("test_a"), failing("test_b")], {}, is_test_file)) == [
        ["test_a"],
        ["test_b"],
    ]
