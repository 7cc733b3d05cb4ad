"""The tamper guard: what a patch must not do, whatever the tests say of it.

1. `may_touch` says which files a patch may change at all: only allowed paths, and never
   tests, CI, build configuration, or files outside the repository.
2. `inspect` reads a whole diff and names every objection: size, new, deleted, renamed
   or binary files, and added code that detects tests, skips them, ends the process or
   hides errors.

The guard would rather refuse a good patch than let a bad one through: a refused patch
costs a person's time, a dishonest one costs trust.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import PurePosixPath

from paramedic_workers.healing.diffs import FileChange, MalformedDiff, parse_diff
from paramedic_workers.healing.globs import matches
from paramedic_workers.settings import TargetSettings

#: Folders, at any depth, that hold tests.
_TEST_FOLDERS = frozenset({"test", "tests"})
#: Files, at any depth, that hold tests or steer them.
_TEST_FILES = ("test_*.py", "*_test.py", "*_tests.py", "test.py", "tests.py", "conftest.py")
#: Files, at any depth, that build the target, start it, or run its checks.
_BUILD_FILES = (
    *("setup.py", "setup.cfg", "pyproject.toml", "tox.ini", "pytest.ini", "noxfile.py"),
    *("versioneer.py", "sitecustomize.py", "usercustomize.py"),
    *("*.pth", "*.toml", "*.ini", "*.cfg", "*.yml", "*.yaml", "*.lock", "*.mk", "*.cmake"),
    *("requirements*.txt", "constraints*.txt", "*requirements.txt"),
    *("makefile", "gnumakefile", "dockerfile*", "jenkinsfile*", "pipfile*", "tasks.json"),
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\\]")

#: What added code must not contain, and what to say of it.
_FORBIDDEN_CODE = tuple(
    (re.compile(pattern), meaning)
    for pattern, meaning in (
        (r"PYTEST|\b_?pytest\b|_called_from_test|\bnose\b", "it detects or uses the test runner"),
        (r"\bsys\s*\.\s*modules\b", "it looks at which modules are loaded"),
        (r"\bsys\s*\.\s*(orig_)?argv\b", "it looks at the command line"),
        (r"from\s+sys\s+import\b.*\b(argv|modules|exit)\b", "it looks at the running process"),
        (r"\bunittest\b|\bimport\s+mock\b|\bfrom\s+mock\b|\bmonkeypatch\b", "it uses test tools"),
        (r"\bSkipTest\b|\bskip(if|_test)?\s*\(|\bxfail\b|\bimportorskip\b", "it skips tests"),
        (r"\b_exit\b|\bos\s*\.\s*(abort|kill|killpg)\b", "it ends the process"),
        (r"\bsys\s*\.\s*exit\b|\bSystemExit\b|(?<![\w.])(exit|quit)\s*\(", "it ends the process"),
        (r"\bsys\s*\.\s*(settrace|setprofile|_getframe|excepthook)\b", "it inspects its caller"),
        (r"\binspect\s*\.\s*(stack|currentframe|trace)\b", "it inspects its caller"),
        (r"\bexcept\b.*\bAssertionError\b", "it catches failing assertions"),
        (r"\bsuppress\s*\(\s*(Base)?Exception\b", "it hides every error"),
        (r"^\s*(>>>|\.\.\.)\s", "it changes a test in a docstring"),
    )
)
#: Removed lines that must stay.
_FORBIDDEN_LOSS = ((re.compile(r"^\s*(>>>|\.\.\.)\s"), "it removes a test in a docstring"),)
_BROAD_EXCEPT = re.compile(r"^\s*except\s*(\(?\s*(Base)?Exception\b[^:]*)?:\s*(?P<rest>.*)$")
_DOES_NOTHING = re.compile(r"^\s*(pass|\.\.\.|continue|return(\s+None)?)\s*(#.*)?$")


def may_touch(path: str, target: TargetSettings) -> bool:
    """Whether a patch may change this file (posix, relative to the repository)."""
    return _reason_against(path, target) is None


def inspect(diff: str, target: TargetSettings) -> tuple[str, ...]:
    """Every objection to a patch, one sentence each; empty where there is none."""
    try:
        changes = parse_diff(diff)
    except MalformedDiff as error:
        return (f"{error}",)
    return tuple(dict.fromkeys(_objections(changes, target)))


def _objections(changes: tuple[FileChange, ...], target: TargetSettings) -> Iterator[str]:
    size = sum(len(change.added) + len(change.removed) for change in changes)
    if size > target.patch_limit:
        yield f"it changes {size} lines, and {target.patch_limit} are allowed"
    for change in changes:
        reason = _reason_against(change.path, target)
        if reason is not None:
            yield f"{change.path} must not be touched: {reason}"
        yield from (f"it {what}: {change.path}" for what in change.special)
        if not change.special and not change.added and not change.removed:
            yield f"it changes nothing in {change.path}"
        yield from (f"{what} ({change.path})" for what in _code_objections(change))


def _reason_against(path: str, target: TargetSettings) -> str | None:
    pure = PurePosixPath(path)
    if not path or pure.is_absolute() or ".." in pure.parts or str(pure) != path:
        return "it is not a plain path inside the repository"
    if _CONTROL.search(path) or any(part.startswith(".") for part in pure.parts):
        return "hidden files and unusual names are not code"
    if _is_test(pure):
        return "it is a test"
    if _matches_any(pure.name.lower(), _BUILD_FILES):
        return "it is build or CI configuration"
    return _reason_of_settings(path, target)


def _reason_of_settings(path: str, target: TargetSettings) -> str | None:
    if _matches_any(path, target.protected_paths):
        return "it is protected"
    return None if _matches_any(path, target.allowed_paths) else "it is not among the allowed paths"


def _matches_any(path: str, patterns: Iterable[str]) -> bool:
    return any(matches(path, pattern) for pattern in patterns)


def is_build_file(path: str) -> bool:
    """Whether the file at this posix path builds the target, or names what it depends on."""
    return _matches_any(PurePosixPath(path).name.lower(), _BUILD_FILES)


def is_test_file(path: str) -> bool:
    """Whether the file of that posix path holds tests, or what steers them, by its name."""
    return _is_test(PurePosixPath(path))


def _is_test(path: PurePosixPath) -> bool:
    folders = [part.lower() for part in path.parts[:-1]]
    # `testing` at the top holds tests; deeper it is usually a library's public helper.
    in_test_folder = not _TEST_FOLDERS.isdisjoint(folders) or folders[:1] == ["testing"]
    return in_test_folder or _matches_any(path.name.lower(), _TEST_FILES)


def _code_objections(change: FileChange) -> Iterator[str]:
    removed = Counter(line.strip() for line in change.removed)
    added = Counter(line.strip() for line in change.added)
    # A line that is merely moved or indented anew is no news.
    yield from _found(_FORBIDDEN_CODE, (added - removed))
    yield from _found(_FORBIDDEN_LOSS, (removed - added))
    if _hides_errors(change):
        yield "it hides every error"


def _found(
    forbidden: tuple[tuple[re.Pattern[str], str], ...], lines: Iterable[str]
) -> Iterator[str]:
    for line in lines:
        yield from (meaning for pattern, meaning in forbidden if pattern.search(line))


def _hides_errors(change: FileChange) -> bool:
    added = set(change.added) - set(change.removed)
    for line, following in pairwise((*change.after, "")):
        match = _BROAD_EXCEPT.match(line)
        if match is None or not {line, following} & added:
            continue
        if _DOES_NOTHING.match(match["rest"] or following):
            return True
    return False
