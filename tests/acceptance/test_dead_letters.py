"""Dead letters, from what failed to what was done again, by the command line alone."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from paramedic import wire
from paramedic_workers.connections import state_client
from paramedic_workers.dead_letters.model import DeadLetter
from paramedic_workers.dead_letters.store import DeadLetters
from paramedic_workers.incidents import Ledger
from tests.support.brokers import RedisBroker
from tests.support.command_line import CommandLine, assert_one_clear_line
from tests.support.repositories import Repository, make_repository
from tests.support.small_shop import FILES, TEST
from tests.support.waiting import wait_for


@pytest.fixture
def paramedic(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


@pytest.fixture
def repository(paramedic: CommandLine) -> Repository:
    return make_repository(paramedic.folder / "shop", FILES)


def configure(paramedic: CommandLine, *targets: str) -> None:
    """Settings in which nothing can be published, and the sink `file` has no folder."""
    lines = ["sweep_seconds = 1", "delivery_attempts = 1", "replay_limit = 1"]
    lines += ["[sinks.file]", 'directory = "reports"']
    for target in targets:
        lines += [f"[targets.{target}]", 'repository = "shop"', 'remote = "remote.git"']
        lines += [f'python = "{sys.executable}"', "runs = 1"]
    (paramedic.folder / "paramedic.toml").write_text("\n".join(lines) + "\n")


@dataclass(frozen=True)
class Running:
    """`paramedic up`, and what stands in its ledger: looked at without a process for each look."""

    store: DeadLetters
    ledger: Ledger
    broker: RedisBroker


@contextmanager
def running(paramedic: CommandLine) -> Iterator[Running]:
    with paramedic.started("up") as process:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if "watch" in line:
                break
        assert "watch" in said, said
        url = f"redis+socket://{paramedic.data / 'valkey.sock'}"
        with state_client(url) as client:
            broker = RedisBroker(url=url, state_url=url)
            yield Running(DeadLetters(client), Ledger(client), broker)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=120)


def test_what_failed_is_done_again_once_its_cause_is_mended(
    paramedic: CommandLine, repository: Repository
) -> None:
    configure(paramedic, "shop")
    blocker = paramedic.folder / "reports"
    blocker.write_text("a file where a folder should be")
    (paramedic.folder / "wrong.json").write_text('{"exception_type": "KeyError"}')
    with running(paramedic) as up:
        paramedic.run("emit", "--target", "shop", "--test", TEST)
        paramedic.run("emit", "--target", "bank", "--event", "wrong.json")
        wait_for("three letters", lambda: up.store.count() == 3, 90)
        by_reason = {letter["reason"]: letter["id"] for letter in listed(paramedic)}
        assert set(by_reason) == {"invalid", "error", "delivery_failed"}
        _are_shown(paramedic, by_reason)

        repository.git("init", "--quiet", "--bare", str(paramedic.folder / "remote.git"))
        blocker.unlink()
        done = replayed(paramedic, "--sink", "file")
        assert done == [{"letter": by_reason["delivery_failed"], "end": "replayed", "number": 1}]
        wait_for("the report", lambda: list(blocker.glob("*/report.html")), 30)

        replayed(paramedic, by_reason["error"][:10])
        wait_for("the branch", lambda: branches(paramedic), 90)
        wait_for("the verdict", lambda: up.ledger.counts() == {"healed": 1}, 60)
        _stays_what_it_is(paramedic, up)

    configure(paramedic, "shop", "bank")
    with running(paramedic) as up:
        assert [letter["reason"] for letter in listed(paramedic)] == ["invalid"]
        replayed(paramedic, "--all")
        (incident,) = wait_for("the incident", lambda: up.ledger.incidents(target="bank"), 30)
        assert incident.count == 1
        assert listed(paramedic) == []
        assert len(listed(paramedic, "--replayed")) == 3
        again = paramedic.run("dead-letters", "replay", by_reason["invalid"])
        assert "had been replayed before" in again.stdout
        assert up.ledger.incident(incident.fingerprint).count == 1


def listed(paramedic: CommandLine, *words: str) -> list[dict[str, Any]]:
    done = paramedic.run("dead-letters", "list", *words, "--json")
    assert done.returncode == 0, done
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def replayed(paramedic: CommandLine, *words: str) -> list[dict[str, Any]]:
    done = paramedic.run("dead-letters", "replay", *words, "--json")
    assert done.returncode == 0, done
    found: list[dict[str, Any]] = json.loads(done.stdout)["replays"]
    return found


def branches(paramedic: CommandLine) -> list[Path]:
    return list((paramedic.folder / "remote.git" / "refs" / "heads").glob("paramedic/*"))


def _are_shown(paramedic: CommandLine, by_reason: dict[str, str]) -> None:
    """Every letter is shown with what went wrong, and nothing changes by looking."""
    expected = {
        "invalid": ("bank", "KeyError", "target"),
        "error": ("PublishError", "remote.git", "publish"),
        "delivery_failed": ("reports", "file"),
    }
    for reason, parts in expected.items():
        shown = paramedic.run("dead-letters", "show", by_reason[reason][:8])
        assert shown.returncode == 0, shown
        for part in (*parts, "What next", "dead-letters replay"):
            assert part in shown.stdout, reason
    planned = paramedic.run("dead-letters", "replay", "--all", "--dry-run")
    assert "3 dead letters would be replayed" in planned.stdout
    assert_one_clear_line(paramedic.run("dead-letters", "replay"), "--all")
    assert_one_clear_line(paramedic.run("dead-letters", "drop", "--all"), "--yes")
    assert_one_clear_line(paramedic.run("dead-letters", "show", "zzzz"), "zzzz")
    status = json.loads(paramedic.run("status", "--json").stdout)
    assert status["state"]["dead_letters"]["waiting"] == 3
    assert all(queue["workers"] for queue in status["queues"])
    assert len(listed(paramedic)) == 3


def _stays_what_it_is(paramedic: CommandLine, up: Running) -> None:
    """What nobody can read fails at each replay: one letter, with its history."""
    body = b"\xff\x00 nonsense"
    up.broker.push_raw(wire.INTAKE_QUEUE, body, {"task": wire.INTAKE_TASK})

    def garbage(replays: int) -> list[DeadLetter]:
        return [
            letter
            for letter in up.store.letters()
            if letter.original.body == body and len(letter.replays) == replays
        ]

    (first,) = wait_for("the letter", lambda: garbage(0), 30)
    paramedic.run("dead-letters", "replay", first.id)
    wait_for("the same letter", lambda: [one.id for one in garbage(1) if one.state == "dead"], 30)
    assert [one.id for one in garbage(1)] == [first.id]
    raw = paramedic.folder / "message.bin"
    paramedic.run("dead-letters", "show", first.id, "--raw", str(raw))
    assert raw.read_bytes() == body
    spent = paramedic.run("dead-letters", "replay", first.id)
    assert spent.returncode == 1
    assert "as often as may be" in spent.stdout
    dropped = paramedic.run("dead-letters", "drop", first.id)
    assert "1 dead letter dropped" in dropped.stdout
