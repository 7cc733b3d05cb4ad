"""May somebody have mended an incident on the main branch? Asked of the commits alone.

Where no fix of ours is known, or a person has written another in other places, nothing tells
the mending commit from any other: its tests must be run. Two questions keep that within bounds:
has anything changed since they were last seen to fail, and has anything changed that is near?
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from paramedic.event import Frame
from paramedic_workers.healing.diffs import MalformedDiff, parse_diff
from paramedic_workers.healing.outcomes import file_of
from paramedic_workers.healing.tamper import is_build_file
from paramedic_workers.landing.finding import Found, MainBranch
from paramedic_workers.landing.records import LandingHow
from paramedic_workers.results import Result


def may_be_mended(main: MainBranch, result: Result, failed_at: str) -> Found | None:
    """That something has changed on the main branch since the tests failed there.

    What failed only on a branch that is not merged says nothing of main: there they may always
    have passed.

    Args:
        main: the main branch.
        result: how the incident ended.
        failed_at: the main revision at which its tests were last seen to fail; empty: they were
            not run there yet.

    Raises:
        GitFailed: a commit is gone.
    """
    if not result.revision or not main.has(result.revision):
        return None
    changed = main.changed_since(failed_at or result.revision)
    return Found(commit="", how=LandingHow.ELSEWHERE) if changed else None


def is_near(
    main: MainBranch, since: str, result: Result, frames: Sequence[Frame], directory: str
) -> bool:
    """Whether a file has changed that the incident names, or one that builds the target.

    Args:
        main: the main branch.
        since: the commit to compare with.
        result: how the incident ended.
        frames: of the failure.
        directory: the folder that node ids are relative to.

    Raises:
        GitFailed: the commit is gone.
    """
    tests = [posixpath.join(directory, file_of(test)) for test in result.failing_tests]
    places = [frame.file for frame in frames if frame.in_app]
    named = {posixpath.normpath(file) for file in (*tests, *places)} | _patched(result)
    changed = main.changed_since(since)
    return not named.isdisjoint(changed) or any(map(is_build_file, changed))


def _patched(result: Result) -> set[str]:
    try:
        return {change.path for change in parse_diff(result.patch or "")}
    except MalformedDiff:
        return set()
