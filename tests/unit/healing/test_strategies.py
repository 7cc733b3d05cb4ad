"""Finding strategies by entry point."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import Any

import pytest

from paramedic_workers.errors import SettingsError
from paramedic_workers.healing import strategies
from paramedic_workers.healing.strategies import BrokenStrategy, find_strategy, known_strategies
from paramedic_workers.healing.strategies.revert import RevertStrategy


def test_our_own_are_found_by_name() -> None:
    assert isinstance(find_strategy("revert"), RevertStrategy)
    assert {"patch", "revert"} <= set(known_strategies())


def test_an_unknown_name_says_which_there_are() -> None:
    with pytest.raises(SettingsError, match=r"no strategy 'rename'.*revert"):
        find_strategy("rename")


@pytest.mark.parametrize(
    "value", ["no_such_package:Strategy", "os.path:no_such_name", "builtins:object", "math:pi"]
)
def test_one_that_cannot_be_loaded_is_named(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    def entry_points(**_selection: str) -> Any:
        return [EntryPoint(name="theirs", value=value, group=strategies.GROUP)]

    monkeypatch.setattr(strategies, "entry_points", entry_points)
    with pytest.raises(BrokenStrategy, match="theirs"):
        find_strategy("theirs")
