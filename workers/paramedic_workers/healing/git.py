"""Runs the git command so that nothing but git runs, and nothing secret is said.

Every call names its repository by `--git-dir` or by the directory it starts in,
gets its arguments as a list, has a time-out, never prompts, and runs no hook, no
file-system monitor, no filter and no transport helper of anybody's configuration.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from paramedic.redaction import without_credentials
from paramedic_workers.errors import RepositoryError
from paramedic_workers.resilience.backoff import Patience
from paramedic_workers.resilience.storage import storage_full
from paramedic_workers.resilience.transience import git_is_transient, tells_of_a_full_disk

#: Seconds that a git command on this machine may take.
LOCAL_SECONDS = 120.0
#: How a remote that is away for a moment is asked again, with 3 to 7 seconds of pauses; what
#: is away for longer is tried again by a later heal.
REMOTE_PATIENCE = Patience(tries=4, first=0.5)
#: Who makes our commits; also how our own commits are told from a person's.
COMMITTER_NAME = "Paramedic"
COMMITTER_EMAIL = "paramedic@localhost"

#: Settings that would run something else than git, or change what it stores.
_OVERRIDES = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "core.quotePath=false",
    "protocol.ext.allow=never",
    "filter.lfs.smudge=",
    "filter.lfs.clean=",
    "filter.lfs.process=",
    "filter.lfs.required=false",
    "commit.gpgSign=false",
    "push.gpgSign=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "submodule.recurse=false",
    "fetch.recurseSubmodules=false",
    "advice.detachedHead=false",
    "advice.addEmbeddedRepo=false",
)
_FIXED_ENVIRONMENT = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_LFS_SKIP_SMUDGE": "1",
    "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
    "GIT_AUTHOR_NAME": COMMITTER_NAME,
    "GIT_AUTHOR_EMAIL": COMMITTER_EMAIL,
    "GIT_COMMITTER_NAME": COMMITTER_NAME,
    "GIT_COMMITTER_EMAIL": COMMITTER_EMAIL,
    "SSH_ASKPASS_REQUIRE": "never",
    "LC_ALL": "C.UTF-8",
}
_NO_CONFIGURATION = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
#: Variables of git that say how to reach a repository, never which one.
_USERS_VARIABLES = (
    "GIT_SSH",
    "GIT_SSL_",
    "GIT_ASKPASS",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_KEY_",
    "GIT_CONFIG_VALUE_",
)


class Configuration(Enum):
    """Whose git configuration applies."""

    #: None but the repository's own: for all work inside our clones.
    OURS = "ours"
    #: The worker's user's and the system's too, for their credentials and proxies: for
    #: fetching, pushing, and reading a checkout.
    USER = "user"


class GitFailed(RepositoryError):
    """A git command failed."""

    def __init__(self, command: str, status: int, stderr: str) -> None:
        """Keep what git said, without credentials.

        Args:
            command: the git subcommand.
            status: its exit status.
            stderr: all it wrote to stderr.
        """
        self.command = command
        self.status = status
        self.stderr = without_credentials(stderr)
        super().__init__(
            f"git {command} failed: {_said(self.stderr) or f'exit status {status}'}.",
            transient=git_is_transient(stderr),
        )

    def __reduce__(self) -> tuple[type[GitFailed], tuple[str, int, str]]:
        """Let it cross a process boundary."""
        return (GitFailed, (self.command, self.status, self.stderr))


@dataclass(frozen=True, kw_only=True)
class Git:
    """The git command, bound to one repository."""

    #: Given as `--git-dir`; None: git looks for a repository from `start` upwards.
    directory: Path | None = None
    configuration: Configuration = Configuration.OURS
    #: Where git is started; never a working tree that target code may have touched.
    start: Path = Path("/")

    def run(
        self,
        *arguments: str | Path,
        stdin: bytes = b"",
        environment: Mapping[str, str] | None = None,
        seconds: float = LOCAL_SECONDS,
        keep_open: Sequence[int] = (),
    ) -> bytes:
        """What a git command writes to stdout.

        Args:
            arguments: the subcommand and its arguments; names from outside must come
                after `--end-of-options` or `--`.
            stdin: its input.
            environment: added to its environment.
            seconds: after which it is killed with its helpers.
            keep_open: file descriptors it inherits, such as a lock that must outlive us.

        Raises:
            GitFailed: it failed, or took too long.
            StorageFull: it could not write for want of space here.
            RepositoryError: there is no git.
        """
        words = [str(argument) for argument in arguments]
        command = next(word for word in words if not word.startswith("-") and "=" not in word)
        process = self._start(words, environment or {}, keep_open)
        try:
            stdout, stderr = process.communicate(stdin, timeout=max(seconds, 0.1))
        except subprocess.TimeoutExpired:
            _end(process)
            said = f"fatal: it took longer than {seconds:.0f} seconds"
            raise GitFailed(command, -signal.SIGKILL, said) from None
        except BaseException:
            _end(process)
            raise
        if process.returncode:
            failed = GitFailed(command, process.returncode, stderr.decode(errors="replace"))
            raise storage_full(failed) or failed
        return stdout

    def line(
        self,
        *arguments: str | Path,
        stdin: bytes = b"",
        environment: Mapping[str, str] | None = None,
        seconds: float = LOCAL_SECONDS,
    ) -> str:
        """As `run`, as text without white space around it."""
        done = self.run(*arguments, stdin=stdin, environment=environment, seconds=seconds)
        return done.decode(errors="replace").strip()

    def names(
        self, *arguments: str | Path, environment: Mapping[str, str] | None = None
    ) -> list[str]:
        """As `run`, for commands with `-z`: the names, undecodable bytes kept as surrogates."""
        done = self.run(*arguments, environment=environment)
        return [os.fsdecode(name) for name in done.split(b"\0") if name]

    def succeeds(self, *arguments: str | Path) -> bool:
        """Whether a git command ends with status 0."""
        try:
            self.run(*arguments)
        except GitFailed:
            return False
        return True

    def _start(
        self, arguments: list[str], environment: Mapping[str, str], keep_open: Sequence[int]
    ) -> subprocess.Popen[bytes]:
        where = [f"--git-dir={self.directory}"] if self.directory else []
        settings = [word for setting in _OVERRIDES for word in ("-c", setting)]
        try:
            return subprocess.Popen(
                ["git", *where, "--literal-pathspecs", *settings, *arguments],
                cwd=self.start,
                env={**self._environment(), **environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                pass_fds=keep_open,
            )
        except FileNotFoundError:
            raise RepositoryError(
                "There is no git on this machine.", remedy="Install the git package."
            ) from None

    def _environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        if self.configuration is Configuration.OURS:
            return {**kept, **_FIXED_ENVIRONMENT, **_NO_CONFIGURATION}
        users = {k: v for k, v in os.environ.items() if k.startswith(_USERS_VARIABLES)}
        return {"GIT_SSH_COMMAND": "ssh -oBatchMode=yes", **kept, **users, **_FIXED_ENVIRONMENT}


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill git and its helpers; not yet reaped, so its group is certainly its own."""
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def _said(stderr: str) -> str:
    """The line of git's output that names the cause."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    for line in lines:
        if tells_of_a_full_disk(line) and not line.startswith("remote:"):
            return line.rstrip(".")
    for prefix in ("fatal: ", "error: ", "remote: error: ", "! "):
        for line in lines:
            if line.startswith(prefix):
                return line.removeprefix(prefix).rstrip(".")
    return lines[-1].rstrip(".") if lines else ""
