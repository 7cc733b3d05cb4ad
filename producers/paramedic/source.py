"""Where code lies: its path inside the repository, and whether it is the target's own."""

from __future__ import annotations

import os
from pathlib import Path

_STANDARD_LIBRARY = Path(os.__file__).resolve().parent
_LIBRARY_FOLDERS = frozenset({"site-packages", "dist-packages"})
#: Files remembered; there are more only where code is made up at run time.
_REMEMBERED_FILES = 5_000


class CodeRoot:
    """The top folder of the target's code, and what is known about files seen so far."""

    def __init__(self, root: str | os.PathLike[str] | None = None) -> None:
        """Use `root`, or the repository around the working directory, or that directory."""
        self.path = Path(root).absolute() if root is not None else _default_root()
        self._resolved = self.path.resolve()
        self._seen: dict[str, tuple[str, bool]] = {}

    def locate(self, filename: str) -> tuple[str, bool]:
        """The posix path to show for a file, and whether it is code of the target itself.

        The path is relative to the root for every file below it.
        """
        known = self._seen.get(filename)
        if known is None:
            if len(self._seen) >= _REMEMBERED_FILES:
                self._seen.clear()
            known = self._seen[filename] = self._locate(filename)
        return known

    def _locate(self, filename: str) -> tuple[str, bool]:
        if filename.startswith("<"):  # <string>, <frozen importlib._bootstrap>, <stdin>
            return filename, False
        path = Path(filename).absolute()
        shown = self._below_root(path)
        if shown is None:
            return path.as_posix(), False
        library = not _LIBRARY_FOLDERS.isdisjoint(path.parts)
        standard = path.resolve().is_relative_to(_STANDARD_LIBRARY)
        return shown.as_posix(), not library and not standard

    def _below_root(self, path: Path) -> Path | None:
        for file in (path, path.resolve()):
            for root in (self.path, self._resolved):
                if file.is_relative_to(root):
                    return file.relative_to(root)
        return None


def _default_root() -> Path:
    try:
        return repository_top(Path.cwd())
    except OSError:  # the working directory has been removed
        return Path("/nowhere")


def repository_top(path: Path) -> Path:
    """The nearest folder from `path` upwards that holds `.git`, or `path` itself."""
    start = path.absolute()
    return next((f for f in (start, *start.parents) if (f / ".git").exists()), start)
