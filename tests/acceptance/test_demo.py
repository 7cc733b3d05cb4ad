"""The tour, whole, as in a pipe."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from paramedic_workers.demo.project import EXPECTATIONS, make_project
from tests.support.command_line import CommandLine, assert_one_clear_line
from tests.support.waiting import wait_for


@pytest.mark.xdist_group("demo")
@pytest.mark.timeout(420)
def test_the_tour_ends_as_promised(tmp_path: Path) -> None:
    paramedic = CommandLine(tmp_path, timeout=400)
    done = paramedic.run("demo", "--directory", "tour", "--picture", "demo.svg")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\x1b" not in done.stdout
    for expectation in EXPECTATIONS:
        assert expectation.kind in done.stdout
    for part in (
        "1,000 failures reported, merged into 1",
        "5 published",
        "12 published",
        "+++ b/shop/text.py",
    ):
        assert part in done.stdout

    tour = tmp_path / "tour"
    branches = subprocess.run(
        ["git", "-C", str(tour / "shop"), "branch", "--list", "paramedic/*"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    healed = [one for one in EXPECTATIONS if one.strategy]
    assert len(branches) == len(healed)
    assert len(list((tour / "reports").glob("*/report.html"))) >= len(EXPECTATIONS)
    assert (tour / "reports/index.html").exists()
    assert_every_incident_has_a_ticket(tour / "reports", done.stdout)
    assert "<svg" in (tmp_path / "demo.svg").read_text()
    assert sorted(entry.name for entry in tour.iterdir()) == ["reports", "shop"]
    assert paramedic.processes() == []


def assert_every_incident_has_a_ticket(reports: Path, said: str) -> None:
    """In the folder of each, and linked from its page; the last screen says where to look."""
    folders = [file.parent for file in reports.glob("*/report.html")]
    tickets = [json.loads((folder / "jira.json").read_text()) for folder in folders]
    assert len({ticket["key"] for ticket in tickets}) == len(folders)
    summaries = [ticket["fields"]["summary"] for ticket in tickets]
    assert all(re.match(r"\[(HEALED|FLAKY|UNHEALED)\] shop: \S", text) for text in summaries)
    for folder, ticket in zip(folders, tickets, strict=True):
        (made, *_rest) = ticket["requests"]
        assert (made["method"], made["path"]) == ("POST", "/rest/api/3/issue")
        assert ticket["key"] in (folder / "jira.html").read_text()
        assert "jira.html" in (folder / "report.html").read_text()
    assert any(f"{folder}/jira.html" in "".join(said.split()) for folder in folders)


def test_the_sample_project_fails_as_the_tour_expects(tmp_path: Path) -> None:
    assert make_project(tmp_path / "shop") >= 12
    environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:paramedic"],
        cwd=tmp_path / "shop",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    failing = re.findall(r"^FAILED (\S+)", done.stdout, re.MULTILINE)
    assert len(failing) == sum(expectation.failing for expectation in EXPECTATIONS)
    for expectation in EXPECTATIONS:
        own = [test for test in failing if test.startswith(expectation.tests)]
        assert len(own) == expectation.failing, expectation.kind


@pytest.mark.xdist_group("demo")
def test_a_tour_that_is_broken_off_leaves_nothing(tmp_path: Path) -> None:
    paramedic = CommandLine(tmp_path)
    with paramedic.started("demo", TMPDIR=str(tmp_path)) as process:
        wait_for("the workers", lambda: list(tmp_path.glob("*/data/logs/heal2.log")))
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=120)
    assert process.returncode == 130, output
    assert output.endswith("paramedic: interrupted; nothing is left behind.\n")
    assert list(tmp_path.glob("paramedic-demo-*")) == []
    assert paramedic.processes() == []


def test_the_tour_never_writes_into_a_folder_that_holds_something(tmp_path: Path) -> None:
    paramedic = CommandLine(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/precious.txt").write_text("keep me")
    assert_one_clear_line(paramedic.run("demo", "--directory", "mine"), "mine", "not empty")
    assert [file.name for file in (tmp_path / "mine").iterdir()] == ["precious.txt"]
