"""The bubblewrap program: whether it works here, and how it is told what to do."""

from __future__ import annotations

import functools
import json
import os
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from paramedic_workers.healing.chain import MEBIBYTE, SYSTEM_PATH, identity
from paramedic_workers.healing.mounts import mount_arguments

#: Needed to become another user inside; given up with that.
_CAPABILITIES = ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP")
_NAMESPACES = ("--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try")


def namespace_options(network: bool, as_nobody: bool) -> list[str]:
    """The namespaces; a user namespace of bwrap's own only where it needs one to mount."""
    options = [*_NAMESPACES, "--die-with-parent", "--new-session", "--clearenv"]
    options += ["--cap-drop", "ALL"]
    if as_nobody:
        options += [word for name in _CAPABILITIES for word in ("--cap-add", name)]
    else:
        options += ["--unshare-user"]
    return options if network else [*options, "--unshare-net"]


def in_memory(arguments: Sequence[str]) -> int:
    """A descriptor with the arguments: nobody sees them in the list of processes."""
    descriptor = os.memfd_create("arguments")
    os.write(descriptor, b"\0".join(os.fsencode(a) for a in arguments) + b"\0")
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def first_process(info_reader: int) -> int | None:
    """A pidfd of the namespace's first process, which bwrap names; None: it never came up."""
    with os.fdopen(info_reader, "rb") as info:
        told = info.read()
    with suppress(ValueError, KeyError, ProcessLookupError):
        return os.pidfd_open(json.loads(told)["child-pid"])
    return None


def version(program: str) -> str:
    """What the program calls itself: `bubblewrap 0.8.0`."""
    return subprocess.run(
        [program, "--version"], capture_output=True, text=True, check=False
    ).stdout.strip()


@functools.cache
def problem_of(program: str) -> str:
    """Why this bubblewrap does not work here; empty where it does. Tried once."""
    as_nobody = os.geteuid() == 0
    mounts = mount_arguments(
        root=Path("/usr"), readable=(), writable=(), scratch=MEBIBYTE, network=False
    )
    chain = [*identity(as_nobody, apart=True), "prlimit", "--core=0", "--", "true"]
    try:
        tried = subprocess.run(
            [program, *namespace_options(False, as_nobody), *mounts, "--", *chain],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
            env={"PATH": SYSTEM_PATH},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bubblewrap does not work here: {error}"
    if tried.returncode == 0:
        return ""
    said = tried.stderr.strip().splitlines()
    return f"bubblewrap does not work here: {said[-1] if said else tried.returncode}"
