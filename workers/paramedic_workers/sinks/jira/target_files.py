"""Where the files that a traceback names lie in the target's repository.

A log from another machine names `/builds/shop/shop/cart.py`; here that is `shop/cart.py`. Where
the repository is a folder of this machine, its own list of files tells; else a path stays as it
is, and counts as the target's unless it is a library's.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path, PurePosixPath

import msgspec

from paramedic.event import FailureEvent, Frame
from paramedic_workers.settings import TargetSettings

#: Seconds that git may take to list the files.
_GIT_TIMEOUT = 60.0
_LIBRARIES = frozenset({"site-packages", "dist-packages"})


@dataclass(kw_only=True)
class TargetFiles:
    """The files of the configured targets."""

    targets: Mapping[str, TargetSettings]
    _listed: dict[str, frozenset[str]] = field(default_factory=dict)

    def root(self, target: str) -> Path:
        """The folder with the target's files; one that does not exist where there is none."""
        settings = self.targets.get(target)
        folder = Path(settings.repository) if settings else Path("nowhere")
        return folder if folder.is_absolute() and folder.is_dir() else Path("/nowhere")

    def located(self, event: FailureEvent) -> FailureEvent:
        """The event with the files of its frames named as they are in the repository."""
        frames = tuple(self._located(frame, event.target) for frame in event.frames)
        return msgspec.structs.replace(event, frames=frames)

    def _located(self, frame: Frame, target: str) -> Frame:
        path = PurePosixPath(frame.file.replace("\\", "/"))
        library = not _LIBRARIES.isdisjoint(path.parts) or _is_standard(path)
        if library or not path.is_absolute():
            return msgspec.structs.replace(frame, in_app=frame.in_app and not library)
        listed = self._files(target)
        parts = path.parts[1:]
        ends = ("/".join(parts[start:]) for start in range(len(parts)))
        known = next((end for end in ends if end in listed), None)
        return msgspec.structs.replace(frame, file=known or frame.file, in_app=True)

    def _files(self, target: str) -> frozenset[str]:
        if target not in self._listed:
            self._listed[target] = self._list(target)
        return self._listed[target]

    def _list(self, target: str) -> frozenset[str]:
        root = self.root(target)
        if not root.is_dir():
            return frozenset()
        command = ["git", "-C", str(root), "ls-tree", "-r", "-z", "--name-only", "--full-tree"]
        main = self.targets[target].main
        try:
            done = subprocess.run(
                [*command, "--end-of-options", main],
                capture_output=True,
                timeout=_GIT_TIMEOUT,
                check=True,
            )
        except (OSError, subprocess.SubprocessError):  # no git, no such branch: as it is
            return frozenset()
        return frozenset(done.stdout.decode("utf-8", "replace").split("\0")) - {""}


def _is_standard(path: PurePosixPath) -> bool:
    """Whether a path leads into an interpreter's own library, on whatever machine."""
    parts = path.parts
    return any(one == "lib" and after.startswith("python") for one, after in pairwise(parts))
