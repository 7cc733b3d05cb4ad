"""Files of a working tree that target code may have rewritten, touched without being led astray.

Target code may have put symbolic links, pipes or folders nobody can enter in place of
what was there. Every path here is followed one component at a time, and no link is.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from paramedic_workers.errors import HealerError

#: Bytes of the largest file that is read: a source file is far smaller.
_LARGEST = 64 * 1024 * 1024
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def read_file(root: Path, name: str) -> tuple[bytes, int] | None:
    """Contents and permission bits of a regular file below `root`; None where there is none.

    Raises:
        HealerError: a link or something else than a file is in its place or on the way.
    """
    try:
        with _parent(root, name, create=False) as (parent, leaf):
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            with os.fdopen(os.open(leaf, flags, dir_fd=parent), "rb") as file:
                status = os.fstat(file.fileno())
                if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST:
                    raise _not_a_file(name)
                return file.read(), stat.S_IMODE(status.st_mode)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _not_a_file(name) from error


def write_file(root: Path, name: str, contents: bytes, mode: int) -> None:
    """Put a regular file in place at once, with the folders it needs.

    Raises:
        HealerError: a link or something else than a folder is on the way.
    """
    try:
        with _parent(root, name, create=True) as (parent, leaf):
            fresh = f".{leaf[:40]}.{os.urandom(6).hex()}"
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(fresh, flags, mode, dir_fd=parent), "wb") as file:
                file.write(contents)
                os.fchmod(file.fileno(), mode)
                owner = os.fstat(parent)
                if os.geteuid() == 0:
                    os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
            os.replace(fresh, leaf, src_dir_fd=parent, dst_dir_fd=parent)
    except OSError as error:
        raise _not_a_file(name) from error


def delete_file(root: Path, name: str) -> None:
    """Delete a file below `root`, and the folders that this leaves empty.

    Raises:
        HealerError: a link or something else than a folder is on the way.
    """
    try:
        with _parent(root, name, create=False) as (parent, leaf):
            os.unlink(leaf, dir_fd=parent)
    except OSError as error:
        raise _not_a_file(name) from error
    for folder in PurePosixPath(name).parents:
        if str(folder) == "." or not _remove_empty(root, str(folder)):
            return


def remove_tree(path: Path) -> None:
    """Delete a folder with everything below it, whatever its permissions.

    Raises:
        OSError: something in it belongs to somebody else.
    """
    try:
        shutil.rmtree(path)
    except FileNotFoundError:
        return
    except PermissionError:
        _unlock(path)
        shutil.rmtree(path)


def hand_over(path: Path, owner: int) -> None:
    """Make `owner` the owner and group of a tree; links are not followed, `.git` is left out."""
    for folder, folders, files in os.walk(path):
        for name in (*folders, *files):
            if name != ".git" or Path(folder) != path:
                os.lchown(os.path.join(folder, name), owner, owner)  # noqa: PTH118 - a hot loop
    os.lchown(path, owner, owner)


@contextmanager
def _parent(root: Path, name: str, *, create: bool) -> Iterator[tuple[int, str]]:
    """A descriptor of the folder that holds `name`, and the last component."""
    *folders, leaf = _components(name)
    current = os.open(root, _FOLDER)
    try:
        for folder in folders:
            if create:
                _make_folder(folder, current)
            inner = os.open(folder, _FOLDER, dir_fd=current)
            os.close(current)
            current = inner
        yield current, leaf
    finally:
        os.close(current)


def _make_folder(name: str, parent: int) -> None:
    try:
        os.mkdir(name, 0o755, dir_fd=parent)
    except FileExistsError:
        return
    if os.geteuid() == 0:
        owner = os.fstat(parent)
        os.chown(name, owner.st_uid, owner.st_gid, dir_fd=parent, follow_symlinks=False)


def _components(name: str) -> tuple[str, ...]:
    path = PurePosixPath(name)
    if path.is_absolute() or not path.parts or {"..", ".git"} & set(path.parts):
        raise HealerError(f"{name!r} does not name a file inside the working tree.")
    return path.parts


def _remove_empty(root: Path, name: str) -> bool:
    try:
        with _parent(root, name, create=False) as (parent, leaf):
            os.rmdir(leaf, dir_fd=parent)
    except OSError:
        return False
    return True


def _unlock(path: Path) -> None:
    path.chmod(0o700)
    for folder, folders, _ in os.walk(path):
        for name in folders:
            inner = Path(folder, name)
            if not inner.is_symlink():
                inner.chmod(0o700)


def _not_a_file(name: str) -> HealerError:
    return HealerError(
        f"{name!r} is not a plain file of the working tree, or cannot be reached as one.",
        remedy="Target code may have replaced it: use a fresh working tree.",
    )
