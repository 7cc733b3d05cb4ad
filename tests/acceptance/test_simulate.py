"""The simulation by its command line: as promised, broken on purpose, broken off."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine, assert_one_clear_line
from tests.support.waiting import wait_for

#: Promises what is never seen.
_BROKEN_PROMISE = """
from paramedic_workers.cli import main
from paramedic_workers.errors import Verdict
from paramedic_workers.simulation import catalogue
from paramedic_workers.simulation.model import Condition
from paramedic_workers.simulation.promises import ends

catalogue.CATALOGUE = tuple(
    Condition(name=c.name, title=c.title, faults=c.faults, promise=(ends(Verdict.HEALED),))
    for c in catalogue.CATALOGUE
    if c.name == "md-3049"
)
main(["simulate", "--json"])
"""


@pytest.mark.xdist_group("demo")
def test_what_is_promised_is_seen(tmp_path: Path) -> None:
    paramedic = CommandLine(tmp_path)
    done = paramedic.run(
        *("simulate", "--json", "--picture", "table.svg", "--only", "md-3050", "--only", "md-3049"),
        *("--only", "child-killed-in-reproduce", "--only", "malformed-no-type"),
        TMPDIR=str(tmp_path),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    whole = json.loads(done.stdout)
    assert whole["as_promised"] is True
    rows = {row["name"]: row for row in whole["conditions"]}
    assert set(rows) == {
        "md-3050",
        "md-3049",
        "child-killed-in-reproduce",
        "malformed-no-type",
        "afterwards",
    }
    assert all(row["seen"] == row["expected"] for row in rows.values())
    assert "<svg" in (tmp_path / "table.svg").read_text()
    assert list(tmp_path.glob("paramedic-simulate-*")) == []
    assert paramedic.processes() == []


@pytest.mark.xdist_group("demo")
def test_a_promise_that_is_not_kept_ends_with_one(tmp_path: Path) -> None:
    paramedic = CommandLine(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", _BROKEN_PROMISE],
        cwd=tmp_path,
        env=paramedic.environment(TMPDIR=str(tmp_path)),
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    whole = json.loads(done.stdout)
    assert whole["as_promised"] is False
    (row,) = [row for row in whole["conditions"] if row["name"] == "md-3049"]
    assert (row["expected"], row["seen"]) == ("healed", "failed")
    assert row["as_promised"] is False
    assert paramedic.processes() == []


@pytest.mark.xdist_group("demo")
def test_a_simulation_that_is_broken_off_leaves_nothing(tmp_path: Path) -> None:
    paramedic = CommandLine(tmp_path)
    with paramedic.started("simulate", "--only", "hang-always", TMPDIR=str(tmp_path)) as process:
        wait_for("a heal that hangs", lambda: list(tmp_path.glob("*/faults/*.struck")), 60)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=120)
    assert process.returncode == 130, output
    assert output.endswith("paramedic: interrupted; nothing is left behind.\n")
    assert list(tmp_path.glob("paramedic-simulate-*")) == []
    assert paramedic.processes() == []


def test_the_list_names_every_condition_and_starts_nothing(tmp_path: Path) -> None:
    done = CommandLine(tmp_path).run("simulate", "--list", "--json")
    rows = json.loads(done.stdout)
    assert done.returncode == 0
    assert len(rows) >= 34
    assert rows[0]["name"] == "md-3050"
    plain = CommandLine(tmp_path).run("simulate", "--list", "--only", "hang-in").stdout
    assert len(plain.splitlines()) == 7


def test_a_condition_that_does_not_exist_is_wrong_usage(tmp_path: Path) -> None:
    done = CommandLine(tmp_path).run("simulate", "--only", "nothing-like-it")
    assert_one_clear_line(done, "nothing-like-it", "--list")
