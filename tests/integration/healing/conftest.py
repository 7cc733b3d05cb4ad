"""A healer with real parts: git, pytest in the sandbox, the installed strategies."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import pytest

from paramedic_workers.healing.healer import Healer
from paramedic_workers.healing.model import HealReport, HealRequest, IncidentBrief
from paramedic_workers.settings import TargetSettings
from tests.support.repositories import Repository, make_repository


class Heal(Protocol):
    """Heals a repository."""

    def __call__(
        self, repository: Repository, *tests: str, revision: str | None = None, **settings: Any
    ) -> HealReport: ...


def incident(test: str) -> str:
    """The id of the incident that a test is given."""
    return re.sub(r"\W+", "-", test)


def processes_below(folder: Path) -> list[str]:
    """Ids of the processes that work in a folder or below."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and (entry / "cwd").readlink().is_relative_to(folder):
                found.append(entry.name)
    return found


@pytest.fixture
def repository(tmp_path: Path) -> Callable[[dict[str, str]], Repository]:
    """Makes the repository of a test."""
    return lambda files: make_repository(tmp_path / "shop", files)


@pytest.fixture
def heal(tmp_path: Path) -> Heal:
    """Heals a repository; nothing of it, and nothing in the data directory, is left changed."""

    def heal(
        repository: Repository,
        *tests: str,
        revision: str | None = None,
        checkout: bool = False,
        **settings: Any,
    ) -> HealReport:
        target = TargetSettings(
            name="shop",
            repository=str(repository.path),
            python=sys.executable,
            # Our own plug-ins are no use to it, and take a second to load.
            environment={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            **{"run_timeout": 60.0, "budget": 240.0, "repair_budget": 60.0, **settings},
        )
        request = HealRequest(
            target=target,
            revision=revision,
            incidents=tuple(IncidentBrief(fingerprint=incident(t), test=t) for t in tests),
            checkout=repository.path if checkout else None,
        )
        before = repository.state()
        report = Healer(data=tmp_path / "data").heal(request)
        after = repository.state()
        if settings.get("remote") == str(repository.path):
            before.pop("refs"), after.pop("refs")
        assert after == before
        assert list((tmp_path / "data" / "work").glob("*")) == []
        assert processes_below(tmp_path / "data") == []
        return report

    return heal
