"""Small real git repositories for tests."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

_IDENTITY = {
    "GIT_AUTHOR_NAME": "Test Author",
    "GIT_AUTHOR_EMAIL": "author@example.com",
    "GIT_COMMITTER_NAME": "Test Author",
    "GIT_COMMITTER_EMAIL": "author@example.com",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
}


@dataclass(frozen=True)
class Repository:
    """A git repository and a way to change it."""

    path: Path

    def git(self, *arguments: str) -> str:
        """The stripped output of a git command.

        Raises:
            subprocess.CalledProcessError: git failed.
        """
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.path,
            env={**os.environ, **_IDENTITY},
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def write(self, files: dict[str, str]) -> None:
        """Write these files, paths relative to the repository."""
        for name, text in files.items():
            file = self.path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")

    def commit(self, files: dict[str, str], message: str = "Change something") -> str:
        """Write and commit these files; gives the commit id."""
        self.write(files)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def state(self) -> dict[str, str]:
        """All that a heal must leave as it was: HEAD, refs, index, stash, files, hooks, config."""
        files = {
            str(file.relative_to(self.path)): file.read_bytes().hex()
            for file in sorted(self.path.rglob("*"))
            if file.is_file() and ".git" not in file.relative_to(self.path).parts
        }
        return {
            "head": (self.path / ".git/HEAD").read_text(),
            "refs": self.git("for-each-ref"),
            "index": self.git("ls-files", "--stage"),
            "stash": self.git("stash", "list"),
            "status": self.git("--no-optional-locks", "status", "--porcelain"),
            "worktrees": self.git("worktree", "list"),
            "config": (self.path / ".git/config").read_text(),
            "hooks": " ".join(sorted(p.name for p in (self.path / ".git/hooks").glob("*"))),
            "files": repr(files),
        }


def make_repository(path: Path, files: dict[str, str], message: str = "Begin") -> Repository:
    """A new repository at `path` with one commit."""
    path.mkdir(parents=True, exist_ok=True)
    repository = Repository(path)
    repository.git("init", "--quiet", "--initial-branch=main")
    repository.commit(files, message)
    return repository
