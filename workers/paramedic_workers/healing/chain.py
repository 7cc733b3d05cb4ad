"""Who runs target code, and how much it may use: the start of every command's chain.

Each program of the chain (of util-linux) changes one thing and replaces itself by the next.
"""

from __future__ import annotations

from dataclasses import dataclass

#: The user and group that target code runs as where the worker is root.
NOBODY = 65534
#: Where programs are looked for, outside and inside the sandbox.
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one run of a target may use."""

    #: MiB of address space of one process.
    memory: int = 2048
    #: Processes and threads at once.
    processes: int = 256
    #: MiB of the largest file it may write.
    file_size: int = 1024
    #: MiB of its private /tmp.
    scratch: int = 1024


def identity(as_nobody: bool, *, apart: bool) -> list[str]:
    """The part of the chain that becomes another user; dies with the worker in any case."""
    words = ["setpriv", "--no-new-privs"]
    if as_nobody:
        words += [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        words += ["--inh-caps=-all", "--bounding-set=-all"]
    if not apart:
        return [*words, "--pdeathsig=KILL", "--"]
    # Processes are limited per user of a user namespace: runs must not use up each other's.
    return [*words, "--", "unshare", "--user", "--map-current-user", "--"] if as_nobody else []


def limits_of(limits: Limits, *, processes: int) -> list[str]:
    """The part of the chain that sets the limits; `processes` as the kernel counts them."""
    return [
        "prlimit",
        f"--as={limits.memory * MEBIBYTE}",
        # A worker bounds its own data: that is not the bound of what it runs.
        f"--data={limits.memory * MEBIBYTE}:",
        f"--fsize={limits.file_size * MEBIBYTE}",
        f"--nproc={processes}",
        "--core=0",
        "--",
    ]
