"""The failing tests as files and names, and the test files worth collecting with them."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from paramedic_workers.repair.model import Project
from paramedic_workers.repair.modules import IGNORED, Modules

#: Test files that are collected besides those of the failing tests.
_MOST_NEIGHBOURS = 12
#: Test files that are looked at to find them.
_MOST_LOOKED_AT = 400
_LARGEST_FILE = 200_000


@dataclass(frozen=True)
class FailingTest:
    """A test that fails, or, without a name, a file that cannot be collected."""

    id: str
    file: Path
    name: str


def find_failing(project: Project, failing: Sequence[str]) -> list[FailingTest]:
    """Where these tests are; those whose file does not exist are left out.

    Node ids are relative to pytest's root folder, which is the folder it is started in or
    one above it.
    """
    bases = [project.directory]
    while bases[-1] != project.root and bases[-1].is_relative_to(project.root):
        bases.append(bases[-1].parent)
    found = []
    for test in failing:
        file, _, name = test.partition("::")
        path = next((base / file for base in bases if (base / file).is_file()), None)
        if path is not None:
            found.append(FailingTest(test, path.resolve(), name))
    return found


def test_files(project: Project, failing: Sequence[FailingTest]) -> list[str]:
    """The files of the failing tests and of nearby tests of the same code, in order of path.

    Nearby is a test file that imports a module of the project that the failing ones import.
    """
    own = {test.file for test in failing}
    modules = {module for file in own for module in _imported(file)}
    modules = {module for module in modules if _is_of_project(project, module)}
    near = (
        file
        for file in _candidates(project, own)
        if any(_mentions(file, module) for module in modules)
    )
    chosen = [*own, *islice(near, _MOST_NEIGHBOURS)]
    return [str(file) for file in sorted(chosen)]


def _candidates(project: Project, own: set[Path]) -> list[Path]:
    """Other test files, those in the same folders first."""
    folders = sorted({file.parent for file in own})
    found: dict[Path, None] = {}
    for folder in folders:
        names = sorted(entry.name for entry in folder.iterdir())
        tests = [n for n in names if n.startswith("test_") and n.endswith(".py")]
        tests += [n for n in names if n.endswith("_test.py")]
        found.update(dict.fromkeys(folder / name for name in tests))
    for folder in folders:
        top = folder
        while top.parent != project.root and top.parent.is_relative_to(project.root):
            top = top.parent
        if top != project.root:
            found.update(dict.fromkeys(islice(_tests_below(top), _MOST_LOOKED_AT)))
    files = [file for file in found if file not in own and not IGNORED & set(file.parts)]
    return files[:_MOST_LOOKED_AT]


def _tests_below(top: Path) -> Iterator[Path]:
    """Test files, folder by folder, in an order that does not vary."""
    for folder, folders, files in os.walk(top):
        folders[:] = sorted(name for name in folders if name not in IGNORED)
        for name in sorted(files):
            if name.startswith("test_") and name.endswith(".py"):
                yield Path(folder, name)


def _imported(file: Path) -> list[str]:
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return []
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.append(node.module)
    return found


def _is_of_project(project: Project, module: str) -> bool:
    bases = (*project.import_paths, project.directory, project.root, project.root / "src")
    parts = module.split(".")
    return any(
        base.joinpath(*parts).with_suffix(".py").exists() or base.joinpath(*parts).is_dir()
        for base in bases
    )


def _mentions(file: Path, module: str) -> bool:
    try:
        if file.stat().st_size > _LARGEST_FILE:
            return False
        return module in file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def modules_of(project: Project) -> Modules:
    """The modules of the project."""
    return Modules(project.root, project.import_paths)
