"""Which files that failing tests import do not parse."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from paramedic_workers.repair.model import Project
from paramedic_workers.repair.source import NotPython, Text
from paramedic_workers.repair.syntax.broken import Problem, parsed

#: Files that are looked at, and that are reported.
_MOST_FILES, _MOST_BROKEN = 2_000, 4
_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+(\.*)([\w.]*)[ \t]+import\b[ \t(]*([\w, \t]*)|import[ \t]+([\w., \t]+))",
    re.MULTILINE,
)


@dataclass(frozen=True)
class BrokenFile:
    """A file that does not parse."""

    text: Text
    problem: Problem

    @property
    def place(self) -> str:
        """The file and the line where the parser gave up, and what it said."""
        return f"{self.text.relative} line {self.problem.line} ({self.problem.message})"


@dataclass(frozen=True)
class _Import:
    """A module and names that are taken from it; `level` counts leading dots."""

    level: int
    module: str
    names: tuple[str, ...] = ()


def broken_files(
    project: Project, tests: Sequence[Path], may_change: Callable[[str], bool]
) -> list[BrokenFile]:
    """Files that do not parse and may change, the first imported first.

    Imports are followed from the tests and the `conftest.py` files above them, also
    through files that do not parse, and never outside the project.
    """
    queue = [*tests, *_conftests(project, tests)]
    seen = set(queue)
    found = []
    for file in queue:
        try:
            text = Text.read(file, project.root)
        except NotPython:
            continue
        result = parsed(text.text)
        if isinstance(result, Problem) and may_change(str(file)):
            found.append(BrokenFile(text, result))
        for module in _imports(text.text, result):
            for imported in _files_of(project, file, module):
                if imported not in seen and len(seen) < _MOST_FILES:
                    seen.add(imported)
                    queue.append(imported)
    return found[:_MOST_BROKEN]


def _conftests(project: Project, tests: Sequence[Path]) -> list[Path]:
    folders = {
        folder for test in tests for folder in test.parents if folder.is_relative_to(project.root)
    }
    files = [folder / "conftest.py" for folder in sorted(folders)]
    return [file for file in files if file.is_file() and file not in tests]


def _imports(text: str, result: ast.Module | Problem) -> Iterator[_Import]:
    if isinstance(result, Problem):
        yield from _imports_by_pattern(text)
        return
    for node in ast.walk(result):
        if isinstance(node, ast.Import):
            yield from (_Import(0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names)
            yield _Import(node.level, node.module or "", names)


def _imports_by_pattern(text: str) -> Iterator[_Import]:
    for dots, module, names, plain in _IMPORT.findall(text):
        if plain:
            yield from (_Import(0, name.split()[0]) for name in plain.split(",") if name.split())
        else:
            taken = tuple(name.split()[0] for name in names.split(",") if name.split())
            yield _Import(len(dots), module, taken)


def _files_of(project: Project, importer: Path, module: _Import) -> Iterator[Path]:
    """The files that an import runs, packages first; none outside the project."""
    parts = module.module.split(".") if module.module else []
    for base in _bases(project, importer, module.level):
        found = list(_below(base, parts, module.names))
        if found:
            yield from (file for file in found if file.is_relative_to(project.root))
            return


def _bases(project: Project, importer: Path, level: int) -> Sequence[Path]:
    if level:
        return [importer.parents[level - 1]] if level <= len(importer.parents) else []
    root = project.root
    folders = [folder for folder in importer.parents if folder.is_relative_to(root)]
    return (*project.import_paths, project.directory, root / "src", *folders)


def _below(base: Path, parts: Sequence[str], names: Sequence[str]) -> Iterator[Path]:
    folder = base
    for number, part in enumerate(parts):
        module = folder / f"{part}.py"
        folder = folder / part
        if (folder / "__init__.py").is_file():
            yield (folder / "__init__.py").resolve()
        elif number == len(parts) - 1 and module.is_file():
            yield module.resolve()
    for name in names:
        for file in (folder / f"{name}.py", folder / name / "__init__.py"):
            if file.is_file():
                yield file.resolve()
