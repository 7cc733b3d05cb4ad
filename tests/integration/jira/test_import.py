"""Tickets are read, and what they carry is published again: each once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from paramedic.fingerprint import fingerprint
from paramedic.testing import MemoryTransport
from paramedic.wire import events_of
from paramedic_workers.errors import BrokerError, UsageError
from paramedic_workers.results import Result, encode_result
from paramedic_workers.settings import TargetSettings
from paramedic_workers.sinks.jira import importing
from paramedic_workers.sinks.jira.client import JiraClient
from paramedic_workers.sinks.jira.documents import CodeBlock, Document
from paramedic_workers.sinks.jira.importing import ImportedTicket, ImportOutcome, TicketImport
from paramedic_workers.sinks.jira.settings import JiraSettings
from tests.support.jira import EMAIL, TOKEN, StandInJira
from tests.support.queueing import Flow, make_event
from tests.support.repositories import make_repository
from tests.support.results import make_result, make_unhealed

#: What the old batch healer wrote into seven tickets of one night.
HEAL_LOG = """\
2026-04-01 02:10:00 INFO heal begins
2026-04-01 02:10:09 INFO ______________ test_total ______________
2026-04-01 02:10:11 ERROR Self-Healing: UNKNOWN: Auto-healing failed for:
Traceback (most recent call last):
  File "/builds/shop/shop/cart.py", line 3, in total
    return n / 0
  File "/usr/lib/python3.11/statistics.py", line 9, in mean
    raise ZeroDivisionError("division by zero")
ZeroDivisionError: division by zero
"""
PYTEST_LOG = """\
________________________________ test_total ________________________________
>       assert total([2, 3]) == 5
E       assert 6 == 5

tests/test_cart.py:4: AssertionError
=========================== short test summary info ============================
FAILED tests/test_cart.py::test_total - assert 6 == 5
"""
JUNIT = """<testsuite><testcase classname="tests.test_cart" name="test_total">
<failure message="assert 6 == 5">tests/test_cart.py:4: AssertionError</failure>
</testcase></testsuite>"""


class Night:
    """A Jira, a ledger, and imports from the one into the other."""

    def __init__(self, jira: StandInJira, flow: Flow) -> None:
        self.jira = jira
        self.flow = flow
        self.settings = JiraSettings(
            url=jira.url, kind=jira.kind, email=EMAIL, project="SHOP", timeout=10
        )
        self.client = JiraClient.open(self.settings, {"PARAMEDIC_JIRA_TOKEN": TOKEN})
        self.transport = MemoryTransport()

    def ticket(self, summary: str = "it failed", **fields: Any) -> str:
        """Make a ticket; gives its key."""
        usual = {"project": {"key": "SHOP"}, "issuetype": {"name": "Bug"}, "summary": summary}
        return self.client.create({**usual, **fields}).key

    def attach(self, key: str, name: str, content: str | bytes) -> None:
        """Put a file at a ticket."""
        data = content if isinstance(content, bytes) else content.encode()
        self.client.attach(key, [(name, data, "application/octet-stream")])

    def run(
        self, jql: str = "project = SHOP ORDER BY created ASC", **more: Any
    ) -> list[ImportedTicket]:
        """One import, and intake after it."""
        limit = more.pop("limit", 100)
        made = TicketImport(
            jira=self.client,
            settings=self.flow.settings,
            jira_settings=self.settings,
            client=self.flow.client,
            transport=self.transport,
            clock=self.flow.clock,
            **more,
        )
        if more.get("dry_run"):
            made.client = None  # it needs no ledger
        told = list(made.run(jql, limit))
        for message in self.transport.messages:
            self.flow.intake.record(msgspec.json.decode(message.body)[0], message.id)
        return told

    def one(self, **more: Any) -> ImportedTicket:
        """The import of the only ticket."""
        (told,) = self.run(**more)
        return told


@pytest.fixture
def night(jira: StandInJira, flow: Flow) -> Iterator[Night]:
    made = Night(jira, flow)
    yield made
    made.client.close()


@pytest.fixture
def nights(any_jira: StandInJira, flow: Flow) -> Iterator[Night]:
    made = Night(any_jira, flow)
    yield made
    made.client.close()


def test_the_old_batch_is_one_incident_and_is_counted_once(nights: Night) -> None:
    for number in range(7):
        kind = "ASSERTION_ERROR" if number == 0 else "UNKNOWN"
        key = nights.ticket(
            f"[AUTO-HEAL-FAIL] [RUNTIME_FAILURE] Self-Healing: {kind}: Auto-healing failed for:"
        )
        nights.attach(key, "heal.log", PYTEST_LOG if number == 0 else HEAL_LOG)
    told = nights.run()
    assert [one.outcome for one in told] == [ImportOutcome.PUBLISHED] * 7
    assert all(one.sources == ("heal.log",) and one.targets == ("shop",) for one in told)
    found = nights.flow.ledger.incidents()
    assert sorted((one.test, one.exception_type, one.count) for one in found) == [
        ("", "ZeroDivisionError", 6),
        ("tests/test_cart.py::test_total", "AssertionError", 1),
    ]
    (first, *_) = [event for m in nights.transport.messages for event in events_of(m)]
    assert first.tags == {f"imported from {told[0].key}": told[0].url}
    crashed = next(one for one in found if not one.test)
    links = nights.flow.ledger.links_of(crashed.fingerprint)
    assert links == {
        f"imported from {one.key}": one.url for one in told if crashed.fingerprint in one.incidents
    }

    again = nights.run()
    assert [one.outcome for one in again] == [ImportOutcome.KNOWN] * 7
    nights.flow.client.delete("paramedic:imported")  # what intake remembers is enough
    assert {one.outcome for one in nights.run()} == {ImportOutcome.KNOWN}
    assert sum(one.count for one in nights.flow.ledger.incidents()) == 7


def test_a_dry_run_publishes_nothing(night: Night) -> None:
    night.attach(night.ticket(), "run.log", PYTEST_LOG)
    written = len(night.jira.writes)
    assert night.one(dry_run=True).outcome is ImportOutcome.FOUND
    assert night.transport.messages == []
    assert night.one().outcome is ImportOutcome.PUBLISHED
    assert len(night.jira.writes) == written, "an import only reads"


def test_again_counts_again_and_opens_what_was_closed(night: Night) -> None:
    night.attach(night.ticket(), "run.log", PYTEST_LOG)
    night.one()
    night.flow.healer.heal("shop", None)
    assert night.flow.ledger.incidents()[0].state == "closed"
    night.flow.clock.forward(60)
    assert night.one(again=True).outcome is ImportOutcome.PUBLISHED
    (incident,) = night.flow.ledger.incidents()
    assert (incident.state, incident.count) == ("waiting", 2)


def test_events_and_batches_are_published_as_they_are(night: Night) -> None:
    event = make_event(night.flow.clock(), count=3)
    batch = {"version": 1, "batch": "b" * 32, "events": [msgspec.to_builtins(event)]}
    lines = msgspec.json.encode(event) + b"\n" + b'{"exception_type": "KeyError"}\n'
    for content in (msgspec.json.encode(event), json.dumps(batch), lines):
        night.attach(night.ticket(), "event.json", content)
    first, second, third = night.run()
    assert (first.occurrences, second.occurrences, third.occurrences) == (3, 3, 4)
    assert first.incidents == second.incidents == (fingerprint(event),)
    counts = {one.exception_type: one.count for one in night.flow.ledger.incidents()}
    assert counts == {"AssertionError": 9, "KeyError": 1}


def test_our_own_result_leads_to_the_same_incident(night: Night) -> None:
    night.flow.fail(
        "tests/test_a.py::test_a", frames=({"file": "x.py", "function": "f", "line": 1},)
    )
    (incident,) = night.flow.ledger.incidents()
    (result,) = night.flow.healer.heal("shop", incident.revision).results
    key = night.ticket()
    night.attach(key, "result.json", encode_result(make_result()))
    night.attach(key, "heal.log", PYTEST_LOG)
    night.attach(key, "result.json", encode_result(result))
    told = night.one()
    assert (told.sources, told.incidents) == (("result.json",), (incident.fingerprint,))
    assert night.flow.ledger.incidents()[0].count == 2


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (
            make_result(),
            [("tests/test_prices.py::test_a_discount_lowers_the_price", "AssertionError")],
        ),
        (make_unhealed(failing_tests=()), [(None, "AssertionError")]),
    ],
)
def test_a_result_whose_incident_is_forgotten_tells_of_its_tests(
    night: Night, result: Result, expected: list[tuple[str | None, str]]
) -> None:
    night.attach(
        night.ticket(), "result.json", json.dumps({"results": [msgspec.to_builtins(result)]})
    )
    assert night.one().outcome is ImportOutcome.PUBLISHED
    (message,) = night.transport.messages
    assert [(one.test, one.exception_type) for one in events_of(message)] == expected
    assert events_of(message)[0].revision == result.revision


def test_where_the_healer_broke_its_error_is_not_that_of_the_test(night: Night) -> None:
    failed = msgspec.to_builtins(make_unhealed(output=PYTEST_LOG))
    failed |= {"verdict": "failed", "failing_tests": ["tests/test_cart.py::test_total"]}
    failed["cause"] = {"phase": "repair", "type": "RuntimeError", "message": "the healer broke"}
    night.attach(night.ticket(), "result.json", json.dumps(failed))
    night.one()
    (event,) = events_of(night.transport.messages[0])
    assert (event.test, event.exception_type) == (
        "tests/test_cart.py::test_total",
        "AssertionError",
    )
    failed |= {"output": "", "failing_tests": []}
    night.attach(night.ticket(), "result.json", json.dumps(failed))
    assert "names no failing test" in night.run()[1].why


def test_the_description_is_read_where_no_attachment_tells(nights: Night) -> None:
    text = nights.client.text(Document((CodeBlock(PYTEST_LOG),)))
    key = nights.ticket(description=text)
    nights.attach(key, "notes.txt", "nothing in here")
    told = nights.one()
    assert (told.sources, told.outcome) == (("description",), ImportOutcome.PUBLISHED)
    assert nights.flow.ledger.incidents()[0].test == "tests/test_cart.py::test_total"


def test_junit_files_come_before_logs(night: Night) -> None:
    key = night.ticket()
    night.attach(key, "run.log", PYTEST_LOG)
    night.attach(key, "report.xml", JUNIT)
    assert night.one().sources == ("report.xml",)


def test_files_of_another_machine_are_found_in_the_repository(night: Night, tmp_path: Path) -> None:
    made = make_repository(tmp_path / "shop", {"shop/cart.py": "", "cart.py": ""})
    shop = TargetSettings(name="shop", repository=str(made.path), main="HEAD")
    night.flow.settings = msgspec.structs.replace(night.flow.settings, targets={"shop": shop})
    night.attach(night.ticket(), "heal.log", HEAL_LOG)
    night.one()
    (event,) = events_of(night.transport.messages[0])
    assert [(one.file, one.in_app) for one in event.frames] == [
        ("shop/cart.py", True),
        ("/usr/lib/python3.11/statistics.py", False),
    ]


def test_the_target_is_told_by_label_by_option_or_by_project(night: Night) -> None:
    targets = {n: TargetSettings(name=n, repository="/nowhere") for n in ("shop", "bank")}
    night.flow.settings = msgspec.structs.replace(night.flow.settings, targets=targets)
    night.attach(night.ticket(labels=["bank"]), "run.log", PYTEST_LOG)
    night.attach(night.ticket(), "run.log", PYTEST_LOG)
    labelled, plain = night.run(dry_run=True)
    assert labelled.targets == ("bank",)
    assert "of which target? Give --target" in plain.why
    assert night.run(dry_run=True, target="shop")[1].targets == ("shop",)
    night.settings = msgspec.convert(
        {"project": "OPS", "targets": {"bank": {"project": "SHOP"}}}, JiraSettings
    )
    assert night.run(dry_run=True)[1].targets == ("bank",)


def test_a_target_that_is_not_configured_is_named(night: Night) -> None:
    event = make_event(night.flow.clock(), target="secret-service")
    night.attach(night.ticket(), "event.json", msgspec.json.encode(event))
    assert "secret-service, which the settings do not have" in night.one().why
    assert night.transport.messages == []


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.log", b"", "no failing test"),
        ("a.log", b"\x00\x01\x02", "no text"),
        ("a.json", b"[" * 20_000, "nested too deeply"),
        ("a.json", b'{"exception_type": "X"', "is none"),
        ("a.json", b'{"a": 1}', "no event and no result"),
        ("a.json", b'{"exception_type": 3}', "exception_type"),
        ("a.json", b'{"verdict": "healed", "cause": 1}', "looks like a result"),
        ("a.xml", b"<a/>", "no JUnit XML"),
        ("a.xml", b'<!DOCTYPE a [<!ENTITY b "c">]><testsuite>&b;</testsuite>', "document type"),
        ("a.png", b"\x89PNG", "no attachment that can be read"),
    ],
)
def test_what_cannot_be_read_says_why(night: Night, name: str, content: bytes, why: str) -> None:
    night.attach(night.ticket(), name, content)
    told = night.one()
    assert told.outcome is ImportOutcome.NOTHING
    assert why in told.why


def test_there_are_bounds(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "MAX_ATTACHMENT", 100)
    key = night.ticket()
    night.attach(key, "big.log", PYTEST_LOG)
    assert "more than the 100 that are read" in night.one().why
    assert len(night.run(limit=1)) == 1
    night.ticket()
    assert len(night.run(limit=1)) == 1
    assert len(night.run(limit=5)) == 2


def test_a_broker_that_is_away_ends_the_import(night: Night) -> None:
    night.attach(night.ticket(), "run.log", PYTEST_LOG)
    night.transport.available = False
    with pytest.raises(BrokerError, match="has not taken everything"):
        night.run()
    night.transport.available = True
    assert night.one().outcome is ImportOutcome.PUBLISHED


def test_a_wrong_query_is_named(night: Night) -> None:
    with pytest.raises(UsageError, match="--jql"):
        night.run(jql="ORDER BY created")
    with pytest.raises(UsageError, match=r"--jql: Jira does not take it: .*colour"):
        night.run(jql="colour = red")
