"""Environments of a history: one for each set of dependencies, and failures are remembered."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from paramedic_workers.backtest.grounds import forget_failed_builds, open_grounds
from paramedic_workers.errors import EnvironmentBuildError
from paramedic_workers.settings import TargetSettings


def test_what_cannot_be_built_is_not_tried_twice(target: TargetSettings, tmp_path: Path) -> None:
    python = tmp_path / "bin" / "python"
    broken = replace(target, python=str(python))
    with open_grounds(broken, tmp_path / "data", "HEAD") as grounds:
        with pytest.raises(EnvironmentBuildError, match="no interpreter"):
            grounds.environment_at("HEAD")
        python.parent.mkdir()
        python.symlink_to(sys.executable)
        with pytest.raises(EnvironmentBuildError, match="no interpreter"):
            grounds.environment_at("HEAD")
        forget_failed_builds(broken, tmp_path / "data")
        with pytest.raises(EnvironmentBuildError) as later:
            grounds.environment_at("HEAD")
        assert "no interpreter" not in str(later.value)


def test_an_older_layout_is_imported_from_its_own_place(
    target: TargetSettings, tmp_path: Path
) -> None:
    with open_grounds(target, tmp_path / "data", "HEAD") as grounds:
        environment = grounds.environment_at("HEAD")
    (tmp_path / "old" / "src").mkdir(parents=True)
    assert tmp_path / "old" / "src" in environment.import_paths(tmp_path / "old")
