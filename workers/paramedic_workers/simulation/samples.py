"""Small git repositories for the targets of a simulation, and what must not change in them."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from paramedic_workers.errors import UsageError

#: Tests of the sample that fail, all for the same bug.
FAILING = tuple(f"tests/test_shop.py::test_reduced_{number}" for number in range(1, 7))

_CASES = ((10, 3, 7), (8, 8, 0), (5, 1, 4), (9, 2, 7), (7, 4, 3), (6, 5, 1))
_TESTS = "from shop import reduced\n\n" + "".join(
    f"\ndef test_reduced_{number}():\n    assert reduced({price}, {by}) == {left}\n\n"
    for number, (price, by, left) in enumerate(_CASES, start=1)
)
_KEPT = "\ndef test_nothing_off():\n    assert reduced(4, 0) == 4\n"
_RIGHT = "def reduced(price, by):\n    return price - by\n"
_WRONG = _RIGHT.replace("price - by", "price + by")
_IDENTITY = {
    f"GIT_{role}_{key}": value
    for role in ("AUTHOR", "COMMITTER")
    for key, value in (("NAME", "Ada Shopkeeper"), ("EMAIL", "ada@shop.example"))
}


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The repository of a target, and the remote that its branches go to."""

    path: Path
    remote: Path

    def head(self) -> str:
        """The full id of the newest commit."""
        return git(self.path, "rev-parse", "HEAD")

    def commit(self, name: str, text: str) -> str:
        """Commit a file; gives the commit's id."""
        (self.path / name).write_text(text, encoding="utf-8")
        git(self.path, "add", "--all")
        git(self.path, "commit", "--quiet", "--no-verify", "--message", f"Write {name}")
        return self.head()

    def branches(self) -> tuple[str, ...]:
        """The branches below `paramedic/` that the remote has."""
        names = git(self.remote, "for-each-ref", "--format=%(refname)", "refs/heads/paramedic")
        return tuple(names.split())

    def state(self) -> dict[str, str]:
        """All that a heal must leave as it is; empty where the repository is gone."""
        if not self.path.exists():
            return {}
        inside = self.path / ".git"
        files = sorted(file for file in self.path.rglob("*") if inside not in file.parents)
        return {
            "HEAD": (inside / "HEAD").read_text(),
            "refs": git(self.path, "for-each-ref"),
            "index": git(self.path, "ls-files", "--stage"),
            "stash": git(self.path, "stash", "list"),
            "status": git(self.path, "--no-optional-locks", "status", "--porcelain"),
            "worktrees": git(self.path, "worktree", "list"),
            "config": (inside / "config").read_text(),
            "hooks": " ".join(sorted(hook.name for hook in (inside / "hooks").glob("*"))),
            "locks": " ".join(sorted(str(lock) for lock in inside.rglob("*.lock"))),
            "files": repr([(file, file.read_bytes()) for file in files if file.is_file()]),
        }


@dataclass(frozen=True, kw_only=True)
class Samples:
    """Makes samples by copying one that was made with git."""

    folder: Path

    def prepare(self) -> None:
        """Make the one that the others are copies of.

        Raises:
            UsageError: git is missing or refuses.
        """
        path = self.folder / ".template"
        (path / "tests").mkdir(parents=True)
        git(path, "init", "--quiet", "--initial-branch=main")
        sample = Sample(path=path, remote=path)
        (path / "conftest.py").touch()
        (path / "tests/test_shop.py").write_text(_TESTS + _KEPT)
        sample.commit("shop.py", _RIGHT)
        sample.commit("shop.py", _WRONG)
        git(self.folder, "clone", "--quiet", "--bare", str(path), ".remote.git")

    def make(self, name: str) -> Sample:
        """A new sample of this name, whose last commit broke six tests."""
        sample = self.named(name)
        shutil.copytree(self.folder / ".template", sample.path)
        shutil.copytree(self.folder / ".remote.git", sample.remote)
        # What copying changed in the files' times is noted in the index once and for all.
        git(sample.path, "status", "--porcelain")
        return sample

    def named(self, name: str) -> Sample:
        """Where the sample of this name is."""
        return Sample(path=self.folder / name, remote=self.folder / f"{name}.git")


def git(folder: Path, *arguments: str) -> str:
    """What git says, stripped.

    Raises:
        UsageError: git is missing or refuses.
    """
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    plain = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            env={**inherited, **plain, **_IDENTITY},
            capture_output=True,
            text=True,
            check=True,
        )
    except FileNotFoundError as error:
        raise UsageError("git is not installed.", remedy="Install git.") from error
    except subprocess.CalledProcessError as error:
        raise UsageError(f"git {arguments[0]} failed: {error.stderr.strip()}.") from error
    return done.stdout.strip()
