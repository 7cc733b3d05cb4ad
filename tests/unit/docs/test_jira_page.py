"""What docs/jira.md shows as settings and commands is right."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import click
import pytest

from paramedic_workers.cli.commands import COMMANDS, root
from paramedic_workers.settings import Settings, TargetSettings
from paramedic_workers.settings_rules import Problem
from paramedic_workers.sinks.jira.check import PERMISSIONS
from paramedic_workers.sinks.jira.settings import JiraSettings
from paramedic_workers.sinks.jira.summaries import PREFIXES
from paramedic_workers.sinks.tables import read_table
from tests.support.documents import DOCS

PAGE = (DOCS / "jira.md").read_text(encoding="utf-8")
SAMPLES = re.findall(r"^ *```toml\n(.*?)^ *```$", PAGE, re.DOTALL | re.MULTILINE)
LINES = re.findall(r"^ *\$ paramedic (.+)$", PAGE, re.MULTILINE)


def problems(sample: str) -> list[Problem]:
    """What is wrong in a sample, on a machine where its files exist."""
    targets = {n: TargetSettings(name=n, repository="/nowhere") for n in ("bank", "shop")}
    table = tomllib.loads(sample)["sinks"]["jira"]
    return read_table("jira", table, JiraSettings, Settings(targets=targets))[1]


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_settings_it_shows_are_right(
    sample: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARAMEDIC_JIRA_TOKEN", "t0ken")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "jira-templates").mkdir()
    assert problems(sample) == []


@pytest.mark.parametrize("line", LINES)
def test_the_commands_it_shows_exist(line: str) -> None:
    name, *words = line.split()
    command = root.get_command(click.Context(root), name)
    assert command is not None
    if isinstance(command, click.Group):
        command = command.commands[words[0]]
    known = {option for one in command.params for option in one.opts}
    assert {word for word in words if re.fullmatch(r"--[a-z-]+", word)} <= known


def test_it_shows_samples_of_both_kinds() -> None:
    assert len(SAMPLES) == 5
    assert len(LINES) == 4
    assert "jira" in COMMANDS


def test_it_names_the_permissions_and_the_prefixes() -> None:
    page = " ".join(PAGE.split())
    assert all(words in page for words in PERMISSIONS.values())
    opening = [v for v in PREFIXES if v in JiraSettings().verdicts]
    assert all(f"[{PREFIXES[verdict]}]" in page for verdict in opening)


def test_defaults_it_tells_are_those_of_the_settings() -> None:
    assert f"`systemic_failures`, {Settings().systemic_failures}," in " ".join(PAGE.split())
    assert set(JiraSettings().final_resolutions) >= {"Won't Do", "Duplicate"}
