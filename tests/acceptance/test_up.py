"""`paramedic up`, `emit` and `incidents` together, as on a person's machine."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import CommandLine, assert_one_clear_line
from tests.support.repositories import Repository, make_repository
from tests.support.small_shop import FILES, TEST
from tests.support.waiting import wait_for


@pytest.fixture
def paramedic(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


@pytest.fixture
def repository(paramedic: CommandLine) -> Repository:
    made = make_repository(paramedic.folder / "shop", FILES)
    (paramedic.folder / "paramedic.toml").write_text(
        f'[targets.shop]\nrepository = "shop"\nremote = "shop"\npython = "{sys.executable}"\n'
    )
    return made


def output_until(process: subprocess.Popen[str], text: str) -> str:
    """What the process says up to a line with this text; the test's time limit bounds it."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if text in line:
            return said
    raise AssertionError(f"it ended without {text!r}: {said}")


def incidents(paramedic: CommandLine, *words: str) -> Any:
    done = paramedic.run("incidents", *words, "--json")
    assert done.returncode == 0, done
    return json.loads(done.stdout)


def stop(process: subprocess.Popen[str]) -> str:
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    return output


@pytest.fixture
def running(
    paramedic: CommandLine, repository: Repository
) -> Iterator[tuple[CommandLine, Repository, subprocess.Popen[str]]]:
    with paramedic.started("up") as process:
        banner = output_until(process, "watch")
        for part in ("valkey.sock", "bundled", "shop", "intake", "logs", "reports", "emit"):
            assert part in banner
        yield paramedic, repository, process


def test_an_emitted_test_is_healed_and_shown(
    running: tuple[CommandLine, Repository, subprocess.Popen[str]],
) -> None:
    paramedic, repository, process = running
    second = paramedic.run("up")
    assert_one_clear_line(second, "already runs")

    done = paramedic.run("emit", "--target", "shop", "--test", TEST, "--count", "3")
    assert done.returncode == 0, done
    assert "published 1 event (3 occurrences) for shop" in done.stdout
    (paramedic.folder / "wrong.json").write_text('{"exception_type": "KeyError"}')
    assert paramedic.run("emit", "--target", "bank", "--event", "wrong.json").returncode == 0

    def closed() -> Any:
        return [one for one in incidents(paramedic) if one["state"] == "closed"]

    (incident,) = wait_for("the incident to be closed", closed, 90)
    assert (incident["verdict"], incident["count"]) == ("healed", 3)
    assert repository.git("branch", "--list", "paramedic/*").strip()

    whole = paramedic.run("incidents", incident["fingerprint"][:8])
    for part in ("healed", TEST, "found += price", "Proof", "3 times", "git fetch"):
        assert part in whole.stdout
    wait_for(
        "the report",
        lambda: list((paramedic.data / "reports").glob("*/report.html")),
        20,
    )
    listed = paramedic.run("incidents")
    assert "1 healed" in listed.stdout
    assert "1 dead letter" in listed.stderr
    (letter,) = json.loads(paramedic.run("dead-letters", "list", "--json").stdout)
    assert (letter["target"], letter["reason"]) == ("bank", "invalid")
    assert_one_clear_line(paramedic.run("incidents", "zzzz"), "zzzz")
    assert_one_clear_line(paramedic.run("incidents", "ab", "--watch"), "alone")

    output = stop(process)
    assert "healed" in output
    assert "stopped" in output
    assert "Traceback" not in output
    assert paramedic.processes() == []
    assert paramedic.working_trees() == []
    assert_one_clear_line(paramedic.run("incidents"), "No broker")


def test_the_next_start_finds_everything(
    running: tuple[CommandLine, Repository, subprocess.Popen[str]],
) -> None:
    paramedic, _, process = running
    assert paramedic.run("emit", "--target", "shop", "--test", "no.py::test").returncode == 0
    wait_for("the incident", lambda: incidents(paramedic))
    stop(process)
    with paramedic.started("up") as again:
        output_until(again, "watch")
        (incident,) = incidents(paramedic, "--target", "shop")
        assert incident["test"] == "no.py::test"
        stop(again)
    assert paramedic.processes() == []
