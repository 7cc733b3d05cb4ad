"""From an event to a ticket by the command line, while Jira is away at first; and back again."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from paramedic_workers.sinks.jira.client import JiraClient
from paramedic_workers.sinks.jira.settings import JiraSettings
from tests.support.command_line import CommandLine, assert_one_clear_line
from tests.support.jira import EMAIL, TOKEN, StandInJira, StandInTicket
from tests.support.repositories import make_repository
from tests.support.small_shop import FILES, TEST
from tests.support.waiting import wait_for

SECRET = {"PARAMEDIC_JIRA_TOKEN": TOKEN}
#: What somebody found in an old ticket.
OLD_LOG = f"FAILED {TEST} - assert -9 == 9\n"


@pytest.fixture
def jira() -> Iterator[StandInJira]:
    with StandInJira.start() as opened:
        yield opened


@pytest.fixture
def paramedic(tmp_path: Path, jira: StandInJira) -> CommandLine:
    made = CommandLine(tmp_path)
    make_repository(tmp_path / "shop", FILES)
    write(
        made,
        f'[sinks.jira]\nurl = "{jira.url}"\nkind = "cloud"\nemail = "{EMAIL}"\nproject = "SHOP"\n',
    )
    return made


def write(paramedic: CommandLine, sinks: str) -> None:
    (paramedic.folder / "paramedic.toml").write_text(
        "sweep_seconds = 1\n[targets.shop]\n"
        f'repository = "shop"\nremote = "shop"\npython = "{sys.executable}"\n{sinks}'
    )


def old_ticket(jira: StandInJira) -> str:
    """A ticket of somebody else with a log; gives its key."""
    settings = JiraSettings(url=jira.url, kind=jira.kind, email=EMAIL)
    client = JiraClient.open(settings, SECRET)
    usual = {"project": {"key": "OPS"}, "issuetype": {"name": "Bug"}}
    key = client.create({**usual, "summary": "[AUTO-HEAL-FAIL] UNKNOWN"}).key
    client.attach(key, [("heal.log", OLD_LOG.encode(), "text/plain")])
    client.close()
    return key


def old_link(ticket: StandInTicket, old: str) -> bool:
    """Whether a ticket says where its failure was imported from."""
    return any(one.object["title"] == f"imported from {old}" for one in ticket.remote_links)


def asked(paramedic: CommandLine, *words: str, status: int = 0) -> Any:
    done = paramedic.run(*words, "--json", **SECRET)
    assert done.returncode == status, done
    assert TOKEN not in done.stdout + done.stderr
    return json.loads(done.stdout)


def test_an_old_ticket_is_imported_healed_and_told_of(
    paramedic: CommandLine, jira: StandInJira
) -> None:
    old = old_ticket(jira)
    report = asked(paramedic, "jira", "check")
    assert report["missing"] == 0
    assert any(one["subject"] == "ledger" for one in report["findings"])

    with paramedic.started("up", **SECRET) as up:
        wait_for("the broker", lambda: paramedic.run("incidents").returncode == 0)
        query = ("jira", "import", "--jql", f"key = {old}")
        (told,) = asked(paramedic, *query)
        assert (told["outcome"], told["targets"]) == ("published", ["shop"])

        asked_before = len(jira.requests)
        jira.faults.answer(503, headers={"Retry-After": "1"}, times=None)
        wait_for("a request that Jira does not answer", lambda: jira.requests[asked_before:], 60)
        assert list(jira.tickets) == [old]
        jira.faults.clear()
        wait_for("the ticket", lambda: "SHOP-1" in jira.tickets, 60)
        ticket = jira.tickets["SHOP-1"]
        wait_for("its link to the old one", lambda: old_link(ticket, old))
        assert ticket.fields["summary"].startswith("[HEALED] shop: test_total in test_shop.py")

        def shown() -> Any:
            return [one for one in asked(paramedic, "incidents") if one["ticket"]]

        (incident,) = wait_for("the ledger to know it", shown)
        assert (incident["verdict"], incident["count"]) == ("healed", 1)
        assert incident["ticket"] == {"key": "SHOP-1", "url": f"{jira.url}/browse/SHOP-1"}
        assert f"paramedic-{incident['fingerprint']}" in ticket.fields["labels"]
        up.send_signal(signal.SIGINT)
        output, _ = up.communicate(timeout=120)
        assert up.returncode == 0, output
        assert "Traceback" not in output
    assert sorted(jira.tickets) == sorted([old, "SHOP-1"])
    assert TOKEN not in output + "".join(f.read_text() for f in paramedic.data.rglob("*.log"))


def test_what_is_missing_is_said_in_words(paramedic: CommandLine, jira: StandInJira) -> None:
    write(
        paramedic,
        f'[sinks.jira]\nurl = "{jira.url}"\nkind = "cloud"\nemail = "{EMAIL}"\nproject = "SHOP"\n'
        'dry_run = true\npriorities = {failed = "Urgent"}\n',
    )
    done = paramedic.run("jira", "check", **SECRET)
    assert done.returncode == 1, done
    for part in ("✗", "Urgent", "It takes: Highest", "1 thing missing", "✓", jira.url):
        assert part in done.stdout
    assert jira.writes == []

    wrong = paramedic.run("jira", "check", PARAMEDIC_JIRA_TOKEN="wr0ng")
    assert_one_clear_line(wrong, "Jira", "401")
    assert "wr0ng" not in wrong.stderr
    assert_one_clear_line(paramedic.run("jira", "check"), "token_file: there is no token")
    write(paramedic, "[sinks.jira]\ndry_run = true\n")
    assert_one_clear_line(paramedic.run("jira", "check"), "dry run, and names no Jira")
    write(paramedic, "")
    assert_one_clear_line(paramedic.run("jira", "check"), "no [sinks.jira]")
