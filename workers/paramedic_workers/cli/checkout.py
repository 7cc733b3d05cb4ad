"""What `paramedic heal` knows of the folder it is given."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from msgspec.structs import replace

from paramedic_workers.errors import UsageError
from paramedic_workers.settings import Settings, TargetSettings

#: Seconds that a git command may take that only reads.
GIT_TIMEOUT = 60


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """A git repository on this machine."""

    #: Top of the working files; of a bare repository, the repository itself.
    root: Path
    #: The folder that was named, relative to `root`: where pytest is started.
    directory: str
    bare: bool

    def show(self, revision: str, path: str) -> bytes | None:
        """The content of a file at a revision, None where it does not exist there."""
        done = _git(self.root, "show", f"{revision}:{path}")
        return done.stdout if done.returncode == 0 else None

    def read(self, path: str) -> bytes | None:
        """The content of a working file, None where it does not exist."""
        try:
            return (self.root / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def digests(self) -> dict[str, str]:
        """What each working file holds now, as a digest by path; ignored files are left out."""
        listed = _git(self.root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        names = {os.fsdecode(name) for name in listed.stdout.split(b"\0") if name}
        return {name: digest(self.read(name)) for name in names if (self.root / name).is_file()}

    def target(self, settings: Settings) -> TargetSettings:
        """The settings of the target that has this repository, else ones made for it.

        Nothing is ever pushed from the command line: the target has no remote.
        """
        for target in settings.targets.values():
            if self._is(target.repository):
                return replace(target, remote="", repository=str(self.root))
        return TargetSettings(
            name=_target_name(self.root), repository=str(self.root), directory=self.directory
        )

    def _is(self, repository: str) -> bool:
        place = Path(repository).expanduser()
        return place.is_dir() and place.resolve() in (self.root, self.root / ".git")


def digest(content: bytes | None) -> str:
    """A digest of a file's content; empty for a file that does not exist."""
    return "" if content is None else sha256(content).hexdigest()


def find_checkout(folder: Path) -> Checkout:
    """The repository that holds this folder.

    Raises:
        UsageError: there is no such folder, no git, or no repository with a commit.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder.", remedy="Name a checkout with failing tests.")
    if _answer(folder, "rev-parse", "--is-bare-repository") == "true":
        found = Checkout(root=folder.resolve(), directory=".", bare=True)
    else:
        top = Path(_answer(folder, "rev-parse", "--show-toplevel"))
        below = folder.resolve().relative_to(top.resolve())
        found = Checkout(root=top.resolve(), directory=below.as_posix(), bare=False)
    if _git(folder, "rev-parse", "--verify", "--quiet", "HEAD").returncode != 0:
        raise UsageError(f"{folder} has no commit yet.", remedy="Commit first.")
    return found


def check_revision(checkout: Checkout, revision: str) -> None:
    """See that a revision exists.

    Raises:
        UsageError: it does not.
    """
    asked = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if _git(checkout.root, *asked).returncode != 0:
        raise UsageError(
            f"there is no revision {revision!r} in {checkout.root}.",
            remedy="`git log --oneline --all` lists them.",
        )


def _answer(folder: Path, *arguments: str) -> str:
    done = _git(folder, *arguments)
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
        why = "" if "not a git repository" in said else f": {said.removeprefix('fatal: ')}"
        raise UsageError(f"{folder} is no git repository{why}.", remedy="Name a git checkout.")
    return done.stdout.decode("utf-8", "surrogateescape").strip()


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            ["git", "-C", str(folder), *arguments],
            # A git hook sets GIT_DIR and its like: they would name another repository than ours.
            env={k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
            | {"GIT_OPTIONAL_LOCKS": "0"},
            capture_output=True,
            timeout=GIT_TIMEOUT,
            check=False,
        )
    except FileNotFoundError as error:
        raise UsageError("git is not installed.", remedy="Install git.") from error


def _target_name(root: Path) -> str:
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", root.name.removesuffix(".git")).strip("-_")
    return name[:64] or "checkout"
