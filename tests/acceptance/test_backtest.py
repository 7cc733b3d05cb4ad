"""`paramedic backtest`, by its command line, on a small repository with a history."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine, assert_one_clear_line
from tests.support.histories import FILES, History, make_history
from tests.support.repositories import make_repository
from tests.support.waiting import wait_for

PYTHON = ("--python", sys.executable)


@pytest.fixture
def paramedic(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


@pytest.fixture
def history(tmp_path: Path) -> History:
    return make_history(tmp_path / "shop")


def test_the_bugs_of_a_history_are_healed_and_compared(
    paramedic: CommandLine, history: History
) -> None:
    before = history.repository.state()
    done = paramedic.run("backtest", "shop", *PYTHON, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [bug["change"]["commit"] for bug in told["bugs"]] == [
        history.cheapest,
        history.discount,
    ]
    outcomes = {outcome["commit"]: outcome for outcome in told["outcomes"]}
    discount = outcomes[history.discount]
    assert discount["verdict"] in ("healed", "proposed"), discount
    assert discount["compared"]["likeness"] == "same"
    assert discount["patches"][0]["evidence"]
    assert {skip["reason"] for skip in told["skipped"]} >= {
        "it adds a function, a class or a parameter",
        "it changes comments or documentation only",
    }
    assert told["summary"]["bugs"] == 2
    assert history.repository.state() == before
    assert not paramedic.working_trees()

    # What is known is not done again.
    again = paramedic.run("backtest", "shop", *PYTHON, "--learn")
    assert again.returncode == 0, again.stderr
    assert "healing: 2 of 2" in again.stderr
    assert "healing: 1 of 2" not in again.stderr
    assert "Lower the price" in again.stdout
    assert "2 bugs: " in again.stdout
    (priors,) = paramedic.data.glob("priors/shop-*.json")
    assert json.loads(priors.read_text())["target"] == "shop"


def test_an_interrupted_backtest_goes_on(paramedic: CommandLine, history: History) -> None:
    one_at_a_time = ("backtest", "shop", *PYTHON, "--jobs", "1")
    with paramedic.started(*one_at_a_time) as process:
        journal = paramedic.data / "backtests"
        wait_for("the first bug", lambda: list(journal.glob("*/journal.jsonl")))
        os.kill(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=120)
        assert process.returncode == 130, output
    assert wait_for("every process to end", lambda: not paramedic.processes())
    assert not paramedic.working_trees()
    done = paramedic.run(*one_at_a_time, "--find-only")
    assert done.returncode == 0, done.stderr
    assert "2 bugs found." in done.stdout
    assert history.discount[:10] in done.stdout


def test_settings_of_a_target_by_name(paramedic: CommandLine, history: History) -> None:
    python = json.dumps(sys.executable)
    (paramedic.folder / "paramedic.toml").write_text(
        f'[targets.store]\nrepository = "https://example.com/store.git"\npython = {python}\n'
    )
    words = ("backtest", "shop", "--target", "store", "--find-only", "--learn", "--json")
    done = paramedic.run(*words)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["target"] == "store"
    assert (paramedic.folder / "paramedic.priors.store.json").is_file()
    assert json.loads(done.stdout)["learned"]["matched"] == 2


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("nowhere",), ("nowhere", "no folder")),
        ((".",), ("no git repository",)),
        (("shop", "--since", "yesterday"), ("--since", "no date")),
        (("shop", "--target", "store"), ("no target 'store'",)),
        (("shop", "--limit", "0"), ("--limit",)),
        (("shop", "--half", "third"), ("--half",)),
        (("young", *PYTHON), ("no commit that changes tests and a little source",)),
    ],
)
def test_wrong_usage_is_one_clear_line(
    paramedic: CommandLine, history: History, words: tuple[str, ...], parts: tuple[str, ...]
) -> None:
    del history  # it is there as `shop`
    make_repository(paramedic.folder / "young", FILES)
    assert_one_clear_line(paramedic.run("backtest", *words), *parts)
