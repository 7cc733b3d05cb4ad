"""What target code can see under bubblewrap: the order of the mounts is the security.

1. The system, read-only: /usr and the links to it, the harmless part of /etc.
2. Private: /proc, /dev, and sized memory for /tmp, /var/tmp and /dev/shm.
3. What was given to read, then the working tree and what was given to write.
4. The tree's `.git` file, read-only again; and the root of it all.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from paramedic_workers.errors import SandboxError

#: Links or folders at the top that belong to the system.
_SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
#: Parts of /etc that programs need and that hold no secret.
_ETC = (
    "alternatives",
    "ca-certificates",
    "debian_version",
    "fonts",
    "group",
    "hosts",
    "inputrc",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "locale.alias",
    "localtime",
    "mime.types",
    "nsswitch.conf",
    "os-release",
    "passwd",
    "protocols",
    "services",
    "ssl/certs",
    "ssl/openssl.cnf",
    "timezone",
)
#: Further parts that are needed to reach the network.
_ETC_FOR_NETWORK = ("resolv.conf", "host.conf", "gai.conf")
#: Where other systems keep interpreters and their libraries.
_STORES = ("/nix/store", "/gnu/store")


def mount_arguments(
    *,
    root: Path,
    readable: Sequence[Path],
    writable: Sequence[Path],
    scratch: int,
    network: bool,
) -> list[str]:
    """Arguments for bwrap.

    Args:
        root: the working tree, writable at its own path.
        readable: further paths that can be read, at their own paths.
        writable: further paths that can be written.
        scratch: bytes of each private folder in memory.
        network: whether what is needed to reach the network can be seen.

    Raises:
        SandboxError: one of the paths is relative, or the root of everything.
    """
    return [
        *_system(network),
        *("--proc", "/proc", "--dev", "/dev"),
        *_private(scratch),
        *_bound("--ro-bind", [path for path in readable if not _is_system(path)]),
        *_bound("--bind", [path for path in (root, *writable) if not _is_system(path)]),
        *_bound("--ro-bind", [path for path in (root / ".git",) if os.path.lexists(path)]),
        *("--remount-ro", "/"),
    ]


def _system(network: bool) -> Iterator[str]:
    yield from _bound("--ro-bind", [Path("/usr")])
    for name in _SYSTEM:
        path = Path(name)
        if path.is_symlink():
            yield from ("--symlink", str(path.readlink()), name)
        elif path.is_dir():
            yield from _bound("--ro-bind", [path])
    etc = (*_ETC, *(_ETC_FOR_NETWORK if network else ()))
    for path in (Path("/etc", name) for name in etc):
        if path.exists():
            yield from _bound("--ro-bind", [path])
    yield from _bound("--ro-bind", [path for path in map(Path, _STORES) if path.exists()])


def _private(scratch: int) -> Iterator[str]:
    for folder in ("/tmp", "/var/tmp", "/dev/shm"):
        yield from ("--perms", "1777", "--size", str(scratch), "--tmpfs", folder)
    yield from ("--perms", "0777", "--dir", "/tmp/home")


def _bound(option: str, paths: Iterable[Path]) -> Iterator[str]:
    """Mounts at the paths' own places; bwrap would make the way there for its own user only."""
    for path in paths:
        if not path.is_absolute() or path == Path("/"):
            raise SandboxError(f"{path} cannot be shown to target code.")
        for parent in reversed(path.parents[:-1]):
            yield from ("--perms", "0755", "--dir", str(parent))
        yield from (option, str(path), str(path))


def _is_system(path: Path) -> bool:
    return path.is_relative_to("/usr")
