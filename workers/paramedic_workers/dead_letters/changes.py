"""Whether a target has changed since a letter was kept.

It has, if the newest commit of its main branch is another one than the letter's, and was
committed after the letter was kept. A commit that was made before and pushed after is not
seen: its time says nothing of its way.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from paramedic_workers.dead_letters.model import DeadLetter
from paramedic_workers.errors import RepositoryError
from paramedic_workers.healing.clones import Source
from paramedic_workers.healing.git import Configuration, Git
from paramedic_workers.settings import TargetSettings

#: Seconds that a repository elsewhere may take to answer.
REMOTE_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Head:
    """The newest commit of a target's main branch."""

    #: Full id.
    commit: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class TargetChanges:
    """Looks at the repositories of the targets, at each once."""

    targets: Mapping[str, TargetSettings]
    _heads: dict[str, Head | RepositoryError] = field(default_factory=dict)

    def since(self, letter: DeadLetter) -> bool:
        """Whether the letter's target has changed since it was kept.

        Raises:
            RepositoryError: it cannot be known: the letter has no target of the settings, or
                its repository cannot be reached.
        """
        head = self._head(letter.target)
        return head.commit != letter.revision and head.at > letter.at

    def _head(self, name: str) -> Head:
        if name not in self._heads:
            self._heads[name] = self._looked_up(name)
        known = self._heads[name]
        if isinstance(known, RepositoryError):
            raise known
        return known

    def _looked_up(self, name: str) -> Head | RepositoryError:
        target = self.targets.get(name)
        if target is None:
            return RepositoryError(
                f"The target {name or '(unknown)'} is not in the settings, so nobody knows "
                "whether it has changed."
            )
        try:
            return main_head(target)
        except RepositoryError as error:
            return error


def main_head(target: TargetSettings) -> Head:
    """The newest commit of a target's main branch, as its repository has it now.

    Raises:
        RepositoryError: it cannot be read.
    """
    source = Source.named(target.repository)
    if source.is_local and "://" not in source.location:
        here = Git(configuration=Configuration.USER, start=Path(source.location))
        return _newest(here, target.main)
    with tempfile.TemporaryDirectory(prefix="paramedic-head-") as folder:
        Git().run("init", "--quiet", "--bare", "--template=", "--", folder)
        fetching = Git(directory=Path(folder), configuration=Configuration.USER)
        fetching.run(
            *("fetch", "--quiet", "--depth=1", "--filter=tree:0", "--no-tags"),
            *("--no-auto-maintenance", "--end-of-options", source.location, target.main),
            seconds=REMOTE_SECONDS,
        )
        return _newest(Git(directory=Path(folder)), "FETCH_HEAD")


def _newest(git: Git, revision: str) -> Head:
    form = ("--no-show-signature", "--format=%H %ct")
    said = git.line("log", "-1", *form, "--end-of-options", revision)
    found = re.fullmatch(r"([0-9a-f]{40,64}) (\d+)", said)
    if found is None:
        raise RepositoryError(f"git did not say which commit {revision} is.")
    return Head(commit=found[1], at=datetime.fromtimestamp(int(found[2]), UTC))
