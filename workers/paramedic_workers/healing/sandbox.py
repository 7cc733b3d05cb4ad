"""The sandbox: runs a command of the target without network, secrets or a way out.

Under bubblewrap the command sees the system and the paths it was given, read-only; its
working tree, writable; a private /tmp; and no other process, user or network. Where the
worker is root, it runs as `nobody`. Limits on memory, processes and file size hold in
any case. What is not in force is said by `description`, and loudly in the log.

Without it, everything is started below a guard, which loses sight of nothing (`guard.py`).

The command is started through a chain of small programs, each of which replaces itself
by the next: bwrap (what can be seen) → setpriv (who runs it) → unshare (so that its
processes are counted apart) → prlimit (how much it may use) → env (where it starts) →
the command.
"""

from __future__ import annotations

import functools
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import structlog

from paramedic_workers.errors import SandboxError
from paramedic_workers.healing import trees
from paramedic_workers.healing.bubblewrap import (
    first_process,
    in_memory,
    namespace_options,
    problem_of,
    version,
)
from paramedic_workers.healing.chain import (
    MEBIBYTE,
    NOBODY,
    SYSTEM_PATH,
    Limits,
    identity,
    limits_of,
)
from paramedic_workers.healing.model import Command
from paramedic_workers.healing.mounts import mount_arguments
from paramedic_workers.healing.processes import (
    MARK,
    ProcessTree,
    end_guarded,
    end_marked,
    end_namespace,
    new_mark,
    threads_of,
)
from paramedic_workers.settings import SandboxMode, TargetSettings

_log = structlog.get_logger()

#: Runs a command below itself, and keeps sight of all that comes of it.
_GUARD = (sys.executable, "-I", "-S", str(Path(__file__).with_name("guard.py")))


class Sandbox:
    """Starts processes of one target; implements `Launcher`."""

    def __init__(
        self,
        mode: SandboxMode,
        *,
        limits: Limits | None = None,
        network: bool = False,
        bubblewrap: str = "bwrap",
    ) -> None:
        """Decide how processes will be started; starts none of the target.

        Args:
            mode: whether bubblewrap must be used.
            limits: what a run may use.
            network: whether the network can be reached: for installing dependencies only.
            bubblewrap: name or path of its program.
        """
        self._mode = mode
        self._limits = limits or Limits()
        self._network = network
        self._bubblewrap = bubblewrap

    @classmethod
    def of(cls, target: TargetSettings) -> Sandbox:
        """The sandbox that a target's settings ask for."""
        limits = Limits(memory=target.memory, processes=target.processes)
        return cls(target.sandbox, limits=limits)

    def with_network(self) -> Sandbox:
        """The same with network and twice the memory: for installing dependencies."""
        limits = Limits(
            memory=max(8192, self._limits.memory),
            processes=max(1024, self._limits.processes),
            file_size=max(8192, self._limits.file_size),
            scratch=max(8192, self._limits.scratch),
        )
        return Sandbox(self._mode, limits=limits, network=True, bubblewrap=self._bubblewrap)

    @functools.cached_property
    def description(self) -> str:
        """One line for reports: what is in force, and what is not and why."""
        if self._program:
            network = "network" if self._network else "no network"
            return f"{version(self._program)}, {network}"
        if self._mode is SandboxMode.OFF:
            return "none: switched off by the target's settings"
        return f"none: {self._problem}"

    def check(self) -> None:
        """Make sure that the sandbox is what the settings ask for; said loudly where not.

        Raises:
            SandboxError: it is required, and bubblewrap is missing or does not work.
        """
        if self._program or self._mode is SandboxMode.OFF:
            return
        if self._mode is SandboxMode.REQUIRED:
            raise SandboxError(
                f"The sandbox is required, but {self._problem}.",
                remedy="Install bubblewrap, or set `sandbox` to preferred or off for this target.",
            )
        _warn_once(self._problem)

    def start(self, command: Command) -> ProcessTree:
        """Start it with its root writable and nothing else of the machine but the system.

        See `Launcher.start`; the thread that calls this must outlive the process.

        Raises:
            SandboxError: the sandbox is required and cannot be set up, or there is no
                such program.
        """
        self.check()
        return self._start_inside(command) if self._program else self._start_outside(command)

    @functools.cached_property
    def _program(self) -> str:
        """Path of a bubblewrap that works; empty where there is none or none is wanted."""
        if self._mode is SandboxMode.OFF or self._problem:
            return ""
        return shutil.which(self._bubblewrap) or ""

    @functools.cached_property
    def _problem(self) -> str:
        program = shutil.which(self._bubblewrap)
        return problem_of(program) if program else "bubblewrap is not installed"

    def _start_inside(self, command: Command) -> ProcessTree:
        """Start it under bubblewrap."""
        as_nobody = os.geteuid() == 0
        if as_nobody:
            _hand_over(command.root, *command.writable, output=command.output)
        info_reader, info_writer = os.pipe()
        options = [
            *namespace_options(self._network, as_nobody),
            *("--info-fd", str(info_writer)),
            *_variables(command.environment, home="/tmp/home", scratch="/tmp"),
            *mount_arguments(
                root=command.root,
                readable=command.readable,
                writable=command.writable,
                scratch=self._limits.scratch * MEBIBYTE,
                network=self._network,
            ),
        ]
        arguments = in_memory(options)
        mark = new_mark()
        chain = [
            *identity(as_nobody, apart=True),
            *limits_of(self._limits, processes=self._limits.processes),
        ]
        # Only now, as the user that it belongs to: bwrap itself may not be let into it.
        chain += ["env", f"--chdir={command.directory or command.root}", "--"]
        with _ended_if_interrupted(mark):
            try:
                popen = _popen(
                    [self._program, "--args", str(arguments), "--", *chain, *command.argv],
                    command,
                    # Where the worker dies before bwrap has asked to die with it, the mark
                    # finds it.
                    environment={"PATH": SYSTEM_PATH, MARK: mark},
                    descriptors=(arguments, info_writer),
                )
            finally:
                os.close(arguments)
                os.close(info_writer)
            return ProcessTree(popen, end_others=end_namespace(first_process(info_reader)))

    def _start_outside(self, command: Command) -> ProcessTree:
        """Start it without bubblewrap: other user, limits, session and environment only."""
        as_nobody = os.geteuid() == 0 and _can_be_reached_by_nobody(command)
        scratch = Path(tempfile.mkdtemp(prefix=".scratch-", dir=_scratch_parent(command.root)))
        if as_nobody:
            _hand_over(command.root, scratch, *command.writable, output=command.output)
        user = NOBODY if as_nobody else os.geteuid()
        mark = new_mark()
        variables = {
            **_basic_variables(home=str(scratch), scratch=str(scratch)),
            **command.environment,
            MARK: mark,
        }
        chain = [
            *identity(as_nobody, apart=False),
            *limits_of(self._limits, processes=threads_of(user) + self._limits.processes),
        ]
        try:
            _check_there(chain[0], variables["PATH"])
            with _ended_if_interrupted(mark):
                popen = _popen([*_GUARD, *chain, *command.argv], command, environment=variables)
        except BaseException:
            trees.remove_tree(scratch)
            raise
        return ProcessTree(
            popen,
            end_others=end_guarded(mark, popen.pid),
            clean_up=lambda: trees.remove_tree(scratch),
        )


@contextmanager
def _ended_if_interrupted(mark: str) -> Iterator[None]:
    """Kill what was started with a mark where a signal's handler raises meanwhile.

    Nobody would hold the process then, and whoever reads its output would wait for ever.
    """
    try:
        yield
    except BaseException:
        end_marked(mark)
        raise


def _popen(
    argv: list[str],
    command: Command,
    *,
    environment: dict[str, str],
    descriptors: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    output = subprocess.DEVNULL if command.output is None else command.output
    try:
        return subprocess.Popen(
            argv,
            cwd=command.directory or command.root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            pass_fds=(*command.pass_fds, *descriptors),
            umask=0o022,
        )
    except OSError as error:
        raise _cannot_start(f"{error.strerror}: {error.filename}") from error


def _check_there(program: str, path: str) -> None:
    """Make sure of the first program of the chain: the guard could only exit without it."""
    if shutil.which(program, path=path) is None:
        raise _cannot_start(f"there is no {program}")


def _cannot_start(reason: str) -> SandboxError:
    return SandboxError(
        f"A process of the target cannot be started: {reason}.",
        remedy="Install util-linux (setpriv, unshare, prlimit).",
    )


def _basic_variables(*, home: str, scratch: str) -> dict[str, str]:
    return {"PATH": SYSTEM_PATH, "HOME": home, "LANG": "C.UTF-8", "TMPDIR": scratch}


def _variables(environment: Mapping[str, str], *, home: str, scratch: str) -> list[str]:
    variables = {**_basic_variables(home=home, scratch=scratch), **environment}
    return [word for name, value in variables.items() for word in ("--setenv", name, value)]


def _hand_over(*paths: Path, output: int | None) -> None:
    """Make `nobody` the owner of what it may write; of a pipe too, as some reopen stdout."""
    for path in paths:
        if path.stat().st_uid != NOBODY:
            trees.hand_over(path, NOBODY)
    if output is not None and stat.S_ISFIFO(os.fstat(output).st_mode):
        os.fchown(output, NOBODY, NOBODY)


def _can_be_reached_by_nobody(command: Command) -> bool:
    """Whether another user gets to the working tree and the program; said loudly where not."""
    path_variable = command.environment.get("PATH", SYSTEM_PATH)
    program = Path(shutil.which(command.argv[0], path=path_variable) or command.argv[0])
    for path in (command.root.parent, program.parent, program.resolve().parent):
        closed = [p for p in (path, *path.parents) if not p.stat().st_mode & 0o001]
        if closed:
            _warn_same_user(str(closed[-1]))
            return False
    return True


def _scratch_parent(root: Path) -> Path | None:
    """Beside the working tree, so that it is swept with it; else the system's place."""
    return root.parent if os.access(root.parent, os.W_OK) else None


@functools.cache
def _warn_once(problem: str) -> None:
    _log.warning(
        "sandbox_not_in_force",
        reason=problem,
        missing="no network isolation; files of the worker's user can be read",
        remedy="Install bubblewrap.",
    )


@functools.cache
def _warn_same_user(closed: str) -> None:
    _log.warning(
        "target_runs_as_root",
        reason=f"no other user can enter {closed}",
        missing="target code runs as root; the limit on processes does not hold",
        remedy="Install bubblewrap, or run the worker as an ordinary user.",
    )
