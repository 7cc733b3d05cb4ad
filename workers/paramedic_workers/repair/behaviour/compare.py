"""Compares versions of some code, through a session with a warm process."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from paramedic_workers.repair.behaviour.comparison import Comparison
from paramedic_workers.repair.behaviour.differences import changed_paths, watched
from paramedic_workers.repair.messages import Greeting
from paramedic_workers.repair.model import Project
from paramedic_workers.repair.session import Session, WarmProcessLost
from paramedic_workers.repair.targets import FailingTest, find_failing

#: Inputs on which versions are compared at most.
_MOST_INPUTS = 400
#: CPU seconds that one test may take while its calls are recorded.
_TEST_SECONDS = 2.0
#: Seconds that an answer may take beyond the time asked for.
_PATIENCE = 5.0
#: Least seconds for starting and collecting.
_LEAST_SECONDS = 20.0


class ComparisonSeen(msgspec.Struct, frozen=True):
    """What the warm process tells of a comparison."""

    outcomes: tuple[tuple[str, ...], ...] = ()
    usual_errors: frozenset[str] = frozenset()
    #: Why nothing was recorded.
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Versions:
    """Versions of some files, whole texts by absolute path, the same paths in each."""

    #: What the warm process has loaded.
    loaded: Mapping[str, str]
    all: Sequence[Mapping[str, str]]


def compare(
    project: Project,
    tests: Sequence[str],
    versions: Sequence[Mapping[str, str]],
    budget: float,
    *,
    seed: int = 0,
) -> Comparison:
    """Run every version on inputs like those that the tests use.

    Nothing below the project's root is changed. Versions that cannot be compared give a
    comparison without inputs, with the reason in `detail`.

    Args:
        project: a working tree; its own text of the files in `versions` does not matter.
        tests: pytest node ids, or paths of files, that pass with the first version.
        versions: relative posix path -> whole new source text; a path that is missing in
            one of them is as on disk.
        budget: seconds, the start of the target's interpreter left out.
        seed: of the choice of inputs.

    Raises:
        EnvironmentBuildError: the project's interpreter has no pytest, or does not start.
    """
    real = replace(project, root=project.root.resolve(), directory=project.directory.resolve())
    targets = find_failing(real, tests)
    texts = _absolute(real.root, versions)
    if not targets or not changed_paths(texts):
        why = "The versions are the same." if targets else "None of the tests' files exists."
        return Comparison(len(versions), detail=why)
    files = sorted({str(target.file) for target in targets})
    try:
        with Session(real, seed=seed, patience=max(budget, _LEAST_SECONDS)) as session:
            greeting = session.open(files, texts[0])
            numbers = [(number, _TEST_SECONDS) for number in _numbers(greeting, targets)]
            if not greeting.ready or not numbers:
                return Comparison(len(versions), detail="The tests cannot be collected.")
            found = Versions(loaded=texts[0], all=texts)
            return compare_in(session, numbers, found, budget, seed=seed)
    except WarmProcessLost as error:
        return Comparison(len(versions), detail=f"The warm process was lost: {error}.")


def compare_in(
    session: Session,
    tests: Sequence[tuple[int, float]],
    versions: Versions,
    seconds: float,
    *,
    most: int = _MOST_INPUTS,
    seed: int = 0,
) -> Comparison:
    """The same in a session that has collected the tests.

    Args:
        session: whose warm process has loaded `versions.loaded`.
        tests: numbers of collected tests, with the CPU seconds that each may take.
        versions: to compare.
        seconds: that it may take.
        most: inputs.
        seed: of the choice of inputs.

    Raises:
        WarmProcessLost: the warm process died of it.
    """
    number = len(versions.all)
    try:
        functions = _functions(versions.all)
    except (SyntaxError, ValueError):
        return Comparison(number, detail="A version does not parse.")
    request: dict[str, Any] = {
        "kind": "compare",
        "loaded": versions.loaded,
        "versions": versions.all,
        "functions": functions,
        "tests": tests,
        "most": most,
        "seconds": seconds,
        "seed": seed,
    }
    began = time.monotonic()
    seen = session.ask(request, ComparisonSeen, seconds + _PATIENCE)
    left = seconds - (time.monotonic() - began)
    if functions and not seen.outcomes and left > seconds / 2:
        # What differs was not reached, or does not tell: compare what the tests call.
        request.update(functions=[], seconds=left)
        seen = session.ask(request, ComparisonSeen, left + _PATIENCE)
    if any(len(outcome) != number for outcome in seen.outcomes):
        raise WarmProcessLost("it answers nonsense")
    return Comparison(number, seen.outcomes, seen.usual_errors, seen.detail)


def _functions(versions: Sequence[Mapping[str, str]]) -> list[tuple[str, str]]:
    return [
        (path, name)
        for path in changed_paths(versions)
        for name in watched([version[path] for version in versions])
    ]


def _absolute(root: Path, versions: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    paths = sorted({path for version in versions for path in version})
    on_disk = {path: _read(root / path) for path in paths}
    return [{str(root / p): version.get(p, on_disk[p]) for p in paths} for version in versions]


def _numbers(greeting: Greeting, targets: Sequence[FailingTest]) -> list[int]:
    named = {(str(target.file), target.name) for target in targets}
    whole = {str(target.file) for target in targets if not target.name}
    return [
        number
        for number, test in enumerate(greeting.tests)
        if test.file in whole or (test.file, test.name) in named
    ]


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeError):
        return ""
