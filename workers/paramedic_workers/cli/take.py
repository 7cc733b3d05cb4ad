"""Taking patches: several as one diff, and into working files, all or nothing.

git does the patching, in a throw-away copy of the few files concerned. Only when
every patch has gone in there are the working files looked at: they must still be
what was healed. Then each is replaced in one step, and put back should a later
one fail.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from paramedic_workers.errors import UsageError
from paramedic_workers.sinks.diff import parse_diff

#: The content of a file before the patches, None where it does not exist.
ReadBase = Callable[[str], bytes | None]
#: Seconds that one git command may take: it works on a handful of files.
GIT_TIMEOUT = 60


@dataclass(frozen=True, kw_only=True)
class Combined:
    """Patches taken together."""

    #: One unified diff; empty where no patch went in.
    diff: str
    #: Contents by path before and after; None where the file does not exist.
    before: Mapping[str, bytes | None]
    after: Mapping[str, bytes | None]
    #: Indices of patches that could not go in on top of the ones before them.
    left_out: tuple[int, ...]


def combine(patches: Sequence[str], read_base: ReadBase) -> Combined:
    """Put patches on top of each other, in order.

    A patch that does not go in is left out; the others are not touched by that.
    """
    paths = sorted({path for patch in patches for path in touched(patch)})
    before = {path: read_base(path) for path in paths}
    with _copies(before) as folder:
        left_out = [i for i, patch in enumerate(patches) if not _git_apply(folder / "b", patch)]
        after = {path: _read(folder / "b" / path) for path in paths}
        diff = _git(folder, "diff", "--no-index", "--no-prefix", "--no-color", "a", "b").stdout
    return Combined(
        diff=diff.decode("utf-8", "replace"), before=before, after=after, left_out=tuple(left_out)
    )


def touched(patch: str) -> set[str]:
    """The paths that a patch changes.

    Raises:
        UsageError: a path leads out of the repository, or into `.git`.
    """
    paths = {file.path for file in parse_diff(patch)}
    for path in paths:
        parts = Path(path).parts
        if Path(path).is_absolute() or ".." in parts or ".git" in parts:
            raise UsageError(f"the patch touches {path!r}, which is outside of the working files.")
    return paths


def put(root: Path, combined: Combined) -> list[str]:
    """Make the working files below `root` what they are after the patches.

    Returns:
        The paths that were changed.

    Raises:
        UsageError: a file is no longer what was healed, or cannot be written; nothing
            has been changed then.
    """
    changed = [p for p in combined.after if combined.after[p] != combined.before[p]]
    different = [p for p in changed if _read(root / p) != combined.before[p]]
    if different:
        raise UsageError(
            f"nothing was applied: {', '.join(different)} is not what was healed.",
            remedy="Heal again, or take the patch with `git apply --3way`.",
        )
    done: list[str] = []
    try:
        for path in changed:
            _replace(root / path, combined.after[path])
            done.append(path)
    except OSError as error:
        for path in done:
            _replace(root / path, combined.before[path])
        raise UsageError(f"nothing was applied: {error}.") from error
    return changed


def _replace(file: Path, content: bytes | None) -> None:
    if content is None:
        file.unlink(missing_ok=True)
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    mode = file.stat().st_mode & 0o7777 if file.exists() else 0o644
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        Path(temporary).chmod(mode)
        Path(temporary).replace(file.resolve() if file.is_symlink() else file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@contextmanager
def _copies(before: Mapping[str, bytes | None]) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="paramedic-take-") as name:
        folder = Path(name)
        for side in ("a", "b"):
            (folder / side).mkdir()
            _fill(folder / side, before.items())
        yield folder


def _fill(folder: Path, files: Iterable[tuple[str, bytes | None]]) -> None:
    for path, content in files:
        if content is not None:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)


def _git_apply(folder: Path, patch: str) -> bool:
    whole = patch if patch.endswith("\n") else patch + "\n"
    return _git(folder, "apply", "-", stdin=whole.encode()).returncode == 0


def _git(folder: Path, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    # Without the ceiling, a temporary folder below some repository would be taken for part of it.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    environment |= {
        "GIT_CEILING_DIRECTORIES": str(folder.parent.parent),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
    }
    return subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env=environment,
        input=stdin,
        capture_output=True,
        timeout=GIT_TIMEOUT,
        check=False,
    )


def _read(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
