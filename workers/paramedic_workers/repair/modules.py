"""The repository's own modules: what they are called, and which of them defines a name."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

#: Folders that hold no code of the project.
IGNORED = frozenset(
    {"build", "dist", "node_modules", "site-packages", "venv", "env", "__pycache__"}
)
_MOST_FILES = 3000
_LARGEST_FILE = 1 << 20
_DEFINITION = re.compile(
    r"^(?:def|class|async[ ]def)[ \t]+(\w+)|^(\w+)[ \t]*(?::(?!=)|=(?!=))", re.MULTILINE
)


def python_files(root: Path, most: int = _MOST_FILES) -> Iterator[Path]:
    """Python files of a project, folder by folder, in an order that does not vary."""
    count = 0
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in IGNORED and not f.startswith("."))
        for name in sorted(files):
            if name.endswith(".py"):
                yield Path(folder, name)
                count += 1
                if count >= most:
                    return


class Modules:
    """The modules of one repository. Files are read when a name is first looked for."""

    def __init__(self, root: Path, import_paths: tuple[Path, ...] = ()) -> None:
        """Look below `root`; names are relative to the first of `import_paths` that fits."""
        self._root = root
        self._packages: dict[Path, bool] = {}
        self._import_paths = (*import_paths, root / "src", root)

    @cached_property
    def files(self) -> dict[str, Path]:
        """Dotted name -> file."""
        found: dict[str, Path] = {}
        for file in python_files(self._root):
            found.setdefault(self.name_of(file), file)
        return found

    def name_of(self, file: Path) -> str:
        """The dotted name under which a file is imported."""
        package = file.parent
        while self._is_package(package) and package != self._root:
            package = package.parent
        bases = [path for path in self._import_paths if file.is_relative_to(path)]
        base = package if self._is_package(file.parent) else (bases or [package])[0]
        parts = list(file.relative_to(base).with_suffix("").parts)
        return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)

    def _is_package(self, folder: Path) -> bool:
        if folder not in self._packages:
            self._packages[folder] = (folder / "__init__.py").exists()
        return self._packages[folder]

    def defining(self, name: str) -> list[str]:
        """Modules that define this name at their top level, tests left out."""
        return self._definitions.get(name, [])

    @cached_property
    def _definitions(self) -> dict[str, list[str]]:
        """Name -> modules that define it: every file is read once, whatever is asked for."""
        found: dict[str, list[str]] = {}
        for module, file in self.files.items():
            if not file.name.startswith(("test_", "conftest")):
                for name in dict.fromkeys(_names_defined(file)):
                    found.setdefault(name, []).append(module)
        return found

    def names_in(self, module: str) -> list[str]:
        """Names at the top level of a module of the repository."""
        file = self.files.get(module)
        return [] if file is None else _names_defined(file)


def _names_defined(file: Path) -> list[str]:
    """Names at the top level of a file, in order."""
    return [first or second for first, second in _DEFINITION.findall(_read(file))]


def is_standard(module: str) -> bool:
    """Whether a module is in the standard library."""
    return module.partition(".")[0] in sys.stdlib_module_names


def _read(file: Path) -> str:
    try:
        if file.stat().st_size > _LARGEST_FILE:
            return ""
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
