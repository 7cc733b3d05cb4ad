"""Clusters: failing tests that look like one cause.

1. Tests whose traceback ends in the same function of the target's code, outside of tests,
   belong together.
2. Tests that fail by an assertion of their own say nothing of where the mistake is: they
   are gathered around the lines that failing tests run and passing ones do not. The most
   suspicious line takes the tests that run it; then the next, until none is left.

A cluster is a guess. Whether its tests have one cause is shown by a patch alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

from paramedic.event import Frame
from paramedic_workers.healing.model import TestReport

#: Lines of repository files that each test ran: test -> {file: lines}.
Coverage = Mapping[str, Mapping[str, frozenset[int]]]
_Line = tuple[str, int]


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Failing tests that look like one cause."""

    #: The fastest first.
    tests: tuple[str, ...]
    #: What they share, for the log: "shop.cart.total".
    shares: str


def clustered(
    failing: Sequence[TestReport], coverage: Coverage, is_test: Callable[[str], bool]
) -> list[Cluster]:
    """The failing tests by what they share, the largest cluster first.

    Args:
        failing: every test exactly once.
        coverage: of failing and passing tests, as far as it is known.
        is_test: whether the file of that path holds tests.
    """
    places = {report.test: place_of(report, is_test) for report in failing}
    groups: dict[str, list[TestReport]] = {}
    unplaced = []
    for report in failing:
        place = places[report.test]
        if place is None:
            unplaced.append(report)
        else:
            groups.setdefault(place, []).append(report)
    clusters = [_cluster(reports, place) for place, reports in groups.items()]
    clusters += _by_lines(unplaced, _Spectrum(coverage, [r.test for r in failing], is_test))
    return sorted(clusters, key=lambda cluster: -len(cluster.tests))


def place_of(report: TestReport, is_test: Callable[[str], bool]) -> str | None:
    """The function of the target's code in which the failure arose; None: in a test."""
    frames = [frame for frame in report.frames if frame.in_app]
    if frames and not is_test(frames[-1].file):
        return _named(frames[-1])
    # An exception that a library raised, or a test's own helper: the last code on the way.
    code = [frame for frame in frames if not is_test(frame.file)]
    return _named(code[-1]) if code else None


def _named(frame: Frame) -> str:
    return f"{frame.module or frame.file}.{frame.function}"


def _cluster(reports: Iterable[TestReport], shares: str) -> Cluster:
    by_speed = sorted(reports, key=lambda report: report.seconds)
    return Cluster(tests=tuple(report.test for report in by_speed), shares=shares)


def _by_lines(reports: Sequence[TestReport], spectrum: _Spectrum) -> list[Cluster]:
    left = list(reports)
    clusters = []
    while left:
        line = spectrum.most_suspicious([report.test for report in left])
        if line is None:
            clusters += [_cluster([report], "nothing with other tests") for report in left]
            break
        taken = [report for report in left if line in spectrum.lines(report.test)]
        clusters.append(_cluster(taken, f"line {line[1]} of {line[0]}"))
        left = [report for report in left if report not in taken]
    return clusters


class _Spectrum:
    """Which lines of the code, tests left out, were run by which tests."""

    def __init__(
        self, coverage: Coverage, failing: Sequence[str], is_test: Callable[[str], bool]
    ) -> None:
        self._lines = {
            test: frozenset(
                (file, line) for file, lines in files.items() if not is_test(file) for line in lines
            )
            for test, files in coverage.items()
        }
        bad = set(failing)
        passing = [lines for test, lines in self._lines.items() if test not in bad]
        self._run_by_passing: dict[_Line, int] = {}
        for lines in passing:
            for line in lines:
                self._run_by_passing[line] = self._run_by_passing.get(line, 0) + 1

    def lines(self, test: str) -> frozenset[_Line]:
        return self._lines.get(test, frozenset())

    def most_suspicious(self, failing: Sequence[str]) -> _Line | None:
        """The line that speaks most for a mistake of these tests; None if they ran none."""
        run_by_failing: dict[_Line, int] = {}
        for test in failing:
            for line in self.lines(test):
                run_by_failing[line] = run_by_failing.get(line, 0) + 1
        if not run_by_failing:
            return None

        def rank(line: _Line) -> tuple[float, _Line]:
            # Which part of its runs fail counts first: with two bugs, no line is in all
            # failing runs but those that everything runs. How many they are counts less.
            hits = run_by_failing[line]
            failing_part = hits / (hits + self._run_by_passing.get(line, 0))
            return (-failing_part * sqrt(hits), line)

        return min(run_by_failing, key=rank)
