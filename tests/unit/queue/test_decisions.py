"""Decisions that need no server."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paramedic_workers import plain_json
from paramedic_workers.closing import failed_result
from paramedic_workers.connections import without_password
from paramedic_workers.dead_letters.foreign import plain, written
from paramedic_workers.errors import EnvironmentBuildError, Phase, Verdict
from paramedic_workers.incidents import (
    IncidentRecord,
    IncidentState,
    group_name,
    group_parts,
    milliseconds,
    moment,
)
from paramedic_workers.roles import roles
from tests.support.queueing import make_settings

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def record(**changes: object) -> IncidentRecord:
    values = {
        "fingerprint": "ab12",
        "target": "shop",
        "state": IncidentState.HEALING,
        "exception_type": "ValueError",
        "first_seen": NOW,
        "last_seen": NOW,
        "opened_at": NOW,
    }
    return IncidentRecord(**{**values, **changes})  # type: ignore[arg-type] # each field has its own type


@given(st.text(alphabet="abcXYZ019_-", min_size=1), st.none() | st.text(min_size=1))
def test_a_groups_name_can_be_taken_apart(target: str, revision: str | None) -> None:
    assert group_parts(group_name(target, revision)) == (target, revision)


@given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2200, 1, 1)))
def test_a_moment_survives_the_ledger_to_the_millisecond(naive: datetime) -> None:
    aware = naive.replace(tzinfo=timezone(timedelta(hours=5)))
    assert abs(moment(milliseconds(aware)) - aware) <= timedelta(milliseconds=1)
    assert milliseconds(naive) == milliseconds(naive.replace(tzinfo=UTC))


def test_a_result_made_of_an_error_is_never_anonymous() -> None:
    class Silent(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    result = failed_result(record(test="tests/test_a.py::test_a"), Silent())
    assert result.verdict is Verdict.FAILED
    assert result.cause.phase is Phase.PREPARE
    assert "Silent" in result.cause.type
    assert "tests/test_a.py::test_a" in result.summary
    assert result.cause.message.strip()


def test_an_error_of_the_taxonomy_brings_its_verdict_and_phase() -> None:
    error = EnvironmentBuildError("no such package:\n  shop", phase=Phase.REPRODUCE)
    result = failed_result(record(phase=Phase.PREPARE), error)
    assert (result.verdict, result.cause.phase) == (Verdict.ENVIRONMENT, Phase.REPRODUCE)
    assert "\n" not in result.summary


@pytest.mark.parametrize("content", [b"\x00", {1: object()}, "\udcff", float("nan"), [10**30]])
def test_whatever_came_can_be_kept(content: object) -> None:
    json.loads(written(content))
    msgspec.json.encode(plain(content))


def test_what_is_nested_beyond_measure_is_kept_as_far_as_it_can_be() -> None:
    nested: list[object] = []
    for _ in range(100_000):
        nested = [nested]
    assert "cannot be written" in json.loads(written(nested))
    msgspec.json.encode(plain(nested))


def test_a_message_is_read_as_what_it_says() -> None:
    spoofed = '{"__type__": "datetime", "__value__": "2026-05-01T00:00:00"}'
    assert plain_json.read(spoofed) == json.loads(spoofed)
    assert plain_json.read('["\\ud800"]') == ["\ud800"]
    for text in (b"[[\xff", b"[" * 100_000, b""):
        with pytest.raises(ValueError, match=r"\S"):
            plain_json.read(text)


def test_passwords_in_urls_are_hidden() -> None:
    text = "redis://:hunter2@localhost:6379/0 and https://me:hunter2@example.com"
    assert without_password(text) == "redis://:***@localhost:6379/0 and https://me:***@example.com"
    assert without_password("redis+socket:///tmp/a.sock") == "redis+socket:///tmp/a.sock"


def test_one_machine_runs_every_role_and_reads_every_queue() -> None:
    started = roles(make_settings(), heal_workers=2, heal_concurrency=3)
    assert [role.name for role in started] == ["intake", "heal1", "heal2", "deliver", "beat"]
    commands = {role.name: " ".join(role.command) for role in started}
    assert "-Q paramedic.heal -P prefork -c 3" in commands["heal2"]
    assert "-Q paramedic.results.console,paramedic.results.file" in commands["deliver"]
    assert "-Q paramedic.intake -P solo" in commands["intake"]
    assert [role.name for role in started if not role.answers] == ["beat"]
