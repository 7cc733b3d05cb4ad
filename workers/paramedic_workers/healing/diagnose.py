"""The phase `diagnose`: what passes at the failing revision, and which failures belong together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from paramedic.text import counted
from paramedic_workers.healing.bench import Bench, Experiment
from paramedic_workers.healing.clusters import Cluster, Coverage, clustered, place_of
from paramedic_workers.healing.globs import literal
from paramedic_workers.healing.journal import Journal
from paramedic_workers.healing.model import RunReport, TestReport
from paramedic_workers.healing.outcomes import file_of
from paramedic_workers.healing.reproduce import Reproduction
from paramedic_workers.healing.tamper import is_test_file
from paramedic_workers.settings import TargetSettings

#: Files of which coverage is taken; more say little more and cost time.
_MOST_FILES = 20


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """What the strategies and the proof go by."""

    #: The whole suite at the failing revision.
    baseline: RunReport
    coverage: dict[str, dict[str, frozenset[int]]]
    clusters: tuple[Cluster, ...]
    #: The target, with every file that was collected as tests protected.
    target: TargetSettings


def diagnose(
    bench: Bench, reproduction: Reproduction, target: TargetSettings, journal: Journal
) -> Diagnosis:
    """Run what is still unknown of the suite, and cluster the failing tests.

    Raises:
        PhaseTimeout: the heal's time is used up.
    """
    failing = tuple(reproduction.failing.values())
    files = _files_to_cover(failing)
    experiments = [] if reproduction.suite else [Experiment()]
    experiments += [Experiment(tests=files, coverage=True)] if files else []
    reports = bench.run_all(experiments) if experiments else []
    baseline = reproduction.suite or reports[0]
    coverage = reports[-1].coverage if files else {}
    all_tests = counted(len(baseline.tests), "test")
    journal.say(f"without a patch {len(baseline.passing())} of {all_tests} pass")
    clusters = _clusters(failing, coverage, baseline)
    for cluster in clusters:
        share = counted(len(cluster.tests), "failing test shares", "failing tests share")
        journal.say(f"{share} {cluster.shares}")
    return Diagnosis(
        baseline=baseline,
        coverage=dict(coverage),
        clusters=tuple(clusters),
        target=_protecting(target, baseline),
    )


def _clusters(
    failing: Sequence[TestReport], coverage: Coverage, baseline: RunReport
) -> list[Cluster]:
    test_files = {file_of(test.test) for test in baseline.tests if not _is_doctest(test.test)}
    return clustered(failing, coverage, lambda path: path in test_files or is_test_file(path))


def _files_to_cover(failing: Sequence[TestReport]) -> tuple[str, ...]:
    """The test files whose coverage tells their failing tests apart."""
    unplaced = [report for report in failing if place_of(report, is_test_file) is None]
    if len(unplaced) < 2:
        return ()
    return tuple(dict.fromkeys(file_of(report.test) for report in unplaced))[:_MOST_FILES]


def _protecting(target: TargetSettings, baseline: RunReport) -> TargetSettings:
    """The settings under which no file that pytest collects tests from may be touched."""
    files = {file_of(test.test) for test in baseline.tests if not _is_doctest(test.test)}
    # Node ids are relative to the folder in which pytest is started.
    folder = "" if target.directory in ("", ".") else target.directory.strip("/") + "/"
    patterns = {literal(f"{prefix}{file}") for file in files for prefix in {"", folder}}
    return replace(target, protected_paths=(*target.protected_paths, *sorted(patterns)))


def _is_doctest(test: str) -> bool:
    """A test in a docstring lives in the very code that it tests."""
    name = test.partition("::")[2].partition("[")[0]
    return "." in name and "::" not in name
