"""`paramedic dead-letters` without a server: how letters look, and what is refused."""

from __future__ import annotations

import io
import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest

from paramedic_workers.cli import dead_letters_show, dead_letters_work
from paramedic_workers.cli.age import Age
from paramedic_workers.cli.dead_letters import REASONS, _ask, _selection, command
from paramedic_workers.cli.dead_letters_words import ADVICE, ENDS, TONES, what_next
from paramedic_workers.cli.screen import console_on
from paramedic_workers.dead_letters.model import (
    Attempt,
    DeadLetter,
    LetterState,
    Original,
    Reason,
    Replay,
)
from paramedic_workers.dead_letters.replay import ReplayEnd
from paramedic_workers.errors import UsageError
from paramedic_workers.settings import Settings

AT = datetime(2026, 5, 1, 12, 30, tzinfo=UTC)
NO_FILTERS: dict[str, Any] = dict.fromkeys(
    ("reason", "target", "queue", "sink", "error_type", "older_than", "newer_than", "limit")
)


def letter(**changes: Any) -> DeadLetter:
    values: dict[str, Any] = {
        "id": "3f9ac1" + "0" * 26,
        "at": AT,
        "reason": Reason.WORKER_LOST,
        "queue": "paramedic.heal",
        "target": "shop",
        "error_type": "paramedic_workers.errors.WorkerLost",
        "message": "Each of 3 heals lost its worker; see redis://ada:hunter2@db:6379.",
        "traceback": "Traceback (most recent call last):\n  first\n  last of it",
        "attempts": (Attempt(at=AT, host="here:7", phase="repair", end="killed by SIGKILL"),),
        "versions": {"python": "3.11"},
        "original": Original(
            body=b'{"a": [1, "\\u001b[31mred"]}',
            content_type="application/json",
            headers={"id": "first"},
        ),
    }
    return DeadLetter(**{**values, **changes})


def shown(one: DeadLetter, capsys: pytest.CaptureFixture[str]) -> str:
    dead_letters_show.show_letter(one, Settings())
    return capsys.readouterr().out


def test_a_letter_is_shown_whole(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(letter(replays=(Replay(at=AT, by="ada@desk"),)), capsys)
    for part in (
        *("worker lost", "3f9ac1", "2026-05-01 12:30:00 UTC", "last of it", "python 3.11"),
        *("here:7", "repair", "killed by SIGKILL", "ada@desk", "2 of 3 left", '"a": ['),
        *("memory", "dead-letters replay 3f9ac10000", "dead-letters drop 3f9ac10000"),
    ):
        assert part in text


def test_no_password_and_no_control_character_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    properties = {"reply_to": "amqp://ada:hunter2@mq"}
    original = Original(body=b"see redis://ada:hunter2@db \x1b[31m", properties=properties)
    text = shown(letter(original=original), capsys)
    assert "hunter2" not in text
    assert "\x1b" not in text
    assert "hunter2" not in json.dumps(dead_letters_show.summary(letter())["message"])


def test_a_body_that_is_no_text_is_shown_as_numbers() -> None:
    lines = dead_letters_show.readable(Original(body=b"\xffAB\x00" + b"x" * 400))
    assert lines[0] == "000000  ff 41 42 00 " + "78 " * 11 + "78  .AB.xxxxxxxxxxxx"
    assert len(lines) == 17
    assert lines[-1] == "… 148 more bytes"


@pytest.mark.parametrize("body", [b'"\\ud800"', b"[" * 100_000, b"1" * 5_000, b"NaN", b""])
def test_any_body_can_be_shown(body: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    assert "The message" in shown(letter(original=Original(body=body)), capsys)


def test_the_bytes_of_a_message_are_written_to_a_new_file_alone(tmp_path: Path) -> None:
    original, file = Original(body=bytes(range(256))), tmp_path / "message.bin"
    dead_letters_show.write_raw(letter(original=original), file)
    assert file.read_bytes() == original.body
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(UsageError, match="exists"):
        dead_letters_show.write_raw(letter(), file)


def test_json_has_the_body_also_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    dead_letters_show.print_whole(letter(original=Original(body="ä".encode())))
    assert json.loads(capsys.readouterr().out)["original"]["text"] == "ä"
    dead_letters_show.print_whole(letter(original=Original(body=b"\xff")))
    original = json.loads(capsys.readouterr().out)["original"]
    assert (original["body"], original["text"]) == ("/w==", None)


def test_there_are_words_for_everything() -> None:
    assert set(TONES) == set(ADVICE) == set(Reason) == set(REASONS)
    assert set(ENDS) == set(ReplayEnd)
    spent = tuple(Replay(at=AT, by="ada@desk") for _ in range(3))
    assert "emit the failure again" in what_next(letter(replays=spent), 3)
    assert "emit" not in what_next(letter(replays=spent[:2]), 3)
    assert "nothing to do" in what_next(letter(state=LetterState.REPLAYED), 3)
    raw = Original(body=b"junk", properties={"raw_item": True})
    assert "cannot be replayed" in what_next(letter(original=raw), 3)


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        ("2h", timedelta(hours=2)),
        ("7d", timedelta(days=7)),
        ("2w", timedelta(weeks=2)),
    ],
)
def test_ages_have_units(text: str, age: timedelta) -> None:
    assert Age().convert(text, None, None) == age


@pytest.mark.parametrize("text", ["", "2", "2 h", "-2h", "2y", "1.5h", "9999999d"])
def test_what_is_no_age_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="no age"):
        Age().convert(text, None, None)


def test_replay_and_drop_want_to_know_which() -> None:
    with pytest.raises(UsageError, match="--all"):
        _selection((), NO_FILTERS, everything=False, changed=False)
    with pytest.raises(UsageError, match="--all"):
        _selection((), {**NO_FILTERS, "limit": 5}, everything=False, changed=False)
    with pytest.raises(UsageError, match="alone"):
        _selection(("3f",), {**NO_FILTERS, "target": "shop"}, everything=False, changed=False)
    with pytest.raises(UsageError, match="alone"):
        _selection(("3f",), NO_FILTERS, everything=True, changed=False)
    chosen = _selection((), {**NO_FILTERS, "sink": "jira"}, everything=False, changed=False)
    assert chosen.criteria.sink == "jira"
    assert _selection((), NO_FILTERS, everything=True, changed=False).ids == ()


def test_several_are_not_deleted_where_nobody_can_be_asked() -> None:
    _ask(1)
    with pytest.raises(UsageError, match=r"2 dead letters .* --yes"):
        _ask(2)


def test_a_rate_spreads_letters_over_time(monkeypatch: pytest.MonkeyPatch) -> None:
    present = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: present[0])
    monkeypatch.setattr("time.sleep", lambda seconds: present.append(present.pop() + seconds))
    moments = [present[0] for _ in dead_letters_work._paced("abc", 4.0)]
    assert moments == [100.0, 100.25, 100.5]


class Terminal(io.StringIO):
    """A stream that people look at."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("said", "done"), [("y\n", True), ("n\n", False), ("", False)])
def test_a_person_is_asked_before_several_are_deleted(
    monkeypatch: pytest.MonkeyPatch, said: str, done: bool
) -> None:
    question = Terminal()
    monkeypatch.setattr("sys.stdin", Terminal(said))
    monkeypatch.setattr("sys.stderr", question)
    try:
        _ask(3)
        agreed = True
    except click.Abort:
        agreed = False
    assert agreed is done
    assert "3 dead letters" in question.getvalue()


def test_a_terminal_sees_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    assert list(dead_letters_work._with_progress(("a", "b"), "replaying")) == ["a", "b"]
    assert "replaying" in screen.getvalue()
    assert "2/2" in screen.getvalue()


def test_a_list_is_one_line_a_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    begun = letter(state=LetterState.REPLAYING, replays=(Replay(at=AT, by="ada@desk"),))
    console = console_on(screen)
    console.print(dead_letters_show._table(console, [begun, letter(message="long " * 99)], 3))
    lines = [line for line in screen.getvalue().split("\n") if "3f9ac" in line]
    assert len(lines) == 2
    assert "1/3, begun" in lines[0]
    assert "hunter2" not in screen.getvalue()


def test_every_part_explains_itself() -> None:
    assert sorted(command.commands) == ["drop", "list", "replay", "show"]
    for one in command.commands.values():
        assert one.get_short_help_str()
