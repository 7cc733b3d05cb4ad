"""A repository with a history, and where it is tested."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from paramedic_workers.backtest.grounds import Grounds, open_grounds
from paramedic_workers.settings import TargetSettings
from tests.support.histories import History, make_history


@pytest.fixture
def history(tmp_path: Path) -> History:
    """Two fixes with tests, and commits that are none."""
    return make_history(tmp_path / "shop")


@pytest.fixture
def target(history: History) -> TargetSettings:
    """Settings of that repository; nothing has to be built for it."""
    return TargetSettings(
        name="shop", repository=str(history.repository.path), python=sys.executable
    )


@pytest.fixture
def grounds(target: TargetSettings, tmp_path: Path) -> Iterator[Grounds]:
    """Its private clone, fetched."""
    with open_grounds(target, tmp_path / "data", "HEAD") as grounds:
        yield grounds
