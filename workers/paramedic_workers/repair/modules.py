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
        while (package / "__init__.py").exists() and package != self._root:
            package = package.parent
        bases = [path for path in self._import_paths if file.is_relative_to(path)]
        base = package if (file.parent / "__init__.py").exists() else (bases or [package])[0]
        parts = list(file.relative_to(base).with_suffix("").parts)
        return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)

    def defining(self, name: str) -> list[str]:
        """Modules that define this name at their top level, tests left out."""
        pattern = re.compile(
            rf"^(?:def|class|async def)\s+{re.escape(name)}\b|^{re.escape(name)}\s*[:=]",
            re.MULTILINE,
        )
        return [
            module
            for module, file in self.files.items()
            if not file.name.startswith(("test_", "conftest")) and pattern.search(_read(file))
        ]

    def names_in(self, module: str) -> list[str]:
        """Names at the top level of a module of the repository."""
        file = self.files.get(module)
        if file is None:
            return []
        pattern = re.compile(r"^(?:def|class|async def)\s+(\w+)|^(\w+)\s*[:=]", re.MULTILINE)
        return [first or second for first, second in pattern.findall(_read(file))]


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
