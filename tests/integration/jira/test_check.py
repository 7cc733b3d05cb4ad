"""`paramedic jira check` says in words what a Jira lacks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx
import msgspec
import pytest
import redis

from paramedic_workers import keys
from paramedic_workers.connections import state_client
from paramedic_workers.errors import SinkUnavailable
from paramedic_workers.settings import Settings, TargetSettings
from paramedic_workers.sinks.jira.check import JiraCheck, JiraReport, Standing, ledger_findings
from paramedic_workers.sinks.jira.client import JiraClient
from paramedic_workers.sinks.jira.settings import JiraKind, JiraSettings
from paramedic_workers.sinks.jira.tickets import Ticket, Tickets
from tests.support.jira import EMAIL, TOKEN, StandInJira, places
from tests.support.jira.model import Category, FieldSpec, FieldType, Status, Workflow

TARGETS = {name: TargetSettings(name=name, repository="/nowhere") for name in ("bank", "shop")}


def settings_of(jira: StandInJira, **changes: Any) -> JiraSettings:
    usual = {"url": jira.url, "kind": str(jira.kind), "email": EMAIL, "project": "SHOP"}
    return msgspec.convert({**usual, **changes}, JiraSettings)


@contextmanager
def opened(
    settings: JiraSettings, transport: httpx.BaseTransport | None = None
) -> Iterator[JiraClient]:
    client = JiraClient.open(settings, {"PARAMEDIC_JIRA_TOKEN": TOKEN}, transport)
    try:
        yield client
    finally:
        client.close()


def report(
    jira: StandInJira, transport: httpx.BaseTransport | None = None, **changes: Any
) -> JiraReport:
    own = settings_of(jira, **changes)
    with opened(own, transport) as client:
        return JiraCheck(client=client, jira=own, settings=Settings(targets=TARGETS)).report()


def missing(jira: StandInJira, **changes: Any) -> list[str]:
    found = report(jira, **changes).findings
    return [
        f"{one.subject}: {one.what}. {one.remedy}"
        for one in found
        if one.standing is Standing.MISSING
    ]


def notes(findings: Sequence[Any]) -> list[str]:
    return [one.what for one in findings if one.standing is Standing.NOTE]


def ada(jira: StandInJira) -> str:
    """What the settings name Ada by."""
    return places.ADA.account_id if jira.kind is JiraKind.CLOUD else places.ADA.name


def edit(jira: StandInJira, **changes: Any) -> None:
    """Let an administrator change the project SHOP."""
    jira.projects["SHOP"] = replace(jira.projects["SHOP"], **changes)


def test_a_jira_that_fits_lacks_nothing(any_jira: StandInJira) -> None:
    edit(any_jira, components=("Cart",))
    any_jira.projects["OPS"] = replace(any_jira.projects["OPS"], components=())
    found = report(
        any_jira,
        components=["Cart"],
        priorities={"failed": "High"},
        assignee=ada(any_jira),
        fields={"customfield_10042": {"value": "CI"}, "customfield_10043": "cart team"},
        targets={"bank": {"project": "OPS"}},
    )
    bank = [one for one in found.findings if one.subject == "bank"]
    assert [one.what for one in bank if one.standing is Standing.MISSING] == [
        "components: the project has none"
    ]
    assert found.missing == 1
    said = " ".join(one.what for one in found.findings)
    for part in ("Paramedic", "SHOP", "is Shop, for shop", "has the type Bug", "ends in Done"):
        assert part in said or part in str(found)
    assert "every field is taken: " in said
    assert "Found by" in said
    assert any_jira.writes == [], "a check changes nothing"


def test_what_a_project_lacks_is_named_with_the_setting(any_jira: StandInJira) -> None:
    required = FieldSpec(
        "customfield_10050", "Severity", FieldType.OPTION, required=True, allowed=("S1", "S2")
    )
    project = any_jira.projects["SHOP"]
    kept = tuple(one for one in project.fields if one.id not in ("priority", "labels"))
    edit(any_jira, fields=(*kept, required))
    found = "\n".join(
        missing(
            any_jira,
            priorities={"failed": "High"},
            fields={
                "customfield_10042": {"value": "Space"},
                "customfield_10043": "x",
                "customfield_99": 1,
            },
        )
    )
    assert "SHOP: Epic: the project requires Severity (customfield_10050)" in found
    assert "shop: the project requires Severity (customfield_10050), and nothing fills it" in found
    assert 'customfield_10050 = {value = "S1"} in [sinks.jira.fields]' in found
    assert "it takes: S1, S2." in found
    assert "priorities: a new ticket cannot have the field priority" in found
    assert "a new ticket cannot have the field labels" in found
    assert (
        "fields.customfield_10042: Found by does not take 'Space'. It takes: CI, Production"
        in found
    )
    assert "fields.customfield_99: a new ticket cannot have the field customfield_99" in found
    assert "customfield_10043" not in found


def test_a_value_in_the_wrong_form_is_shown_in_the_right_one(jira: StandInJira) -> None:
    (found,) = missing(
        jira,
        fields={"customfield_10042": "CI"},
        targets={"bank": {"project": "OPS", "fields": {"customfield_10042": {"value": "CI"}}}},
    )
    assert 'Write it as Jira takes it: {value = "CI"}' in found
    assert found.startswith("shop: ")


def test_a_priority_that_does_not_exist_is_named(jira: StandInJira) -> None:
    found = missing(jira, priorities={"failed": "Urgent", "healed": "Low"})
    assert len(found) == 2, "one for each target"
    assert "priorities: Priority does not take 'Urgent'. It takes: Highest, High" in found[0]


def test_what_fills_a_required_field_of_jira_is_named_by_its_own_setting(jira: StandInJira) -> None:
    fields = tuple(
        replace(one, required=one.id in ("priority", "components", "assignee") or one.required)
        for one in jira.projects["SHOP"].fields
    )
    edit(jira, fields=fields)
    found = "\n".join(missing(jira))
    for name in ("Set priorities, for every verdict", "Set components", "Set assignee"):
        assert name in found


def test_a_project_and_a_type_that_do_not_exist_are_named(any_jira: StandInJira) -> None:
    (found,) = missing(any_jira, project="NONE")
    assert found.startswith("NONE: does not exist, or the account may not see it. Correct")
    found, *_ = missing(any_jira, issue_type="Incident")
    assert "SHOP: has no type Incident that we may make. Set issue_type to one of Bug" in found


def test_an_epic_type_and_a_link_type_that_are_lacking_are_noted(
    jira: StandInJira, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(JiraClient, "link_types", lambda self: ())
    types = tuple(one for one in jira.projects["SHOP"].issue_types if one.name != "Epic")
    edit(jira, issue_types=types)
    found = report(jira, epic_type="Saga")
    assert found.missing == 0
    said = notes(found.findings)
    assert "has no link type for duplicates: such tickets are only told so by a comment" in said
    assert "has no type Saga: tickets of a systemic failure are only linked" in said


def test_a_workflow_without_an_end_is_named(jira: StandInJira) -> None:
    edit(jira, workflow=Workflow(statuses=(Status("1", "Open", Category.NEW),), transitions=()))
    assert "SHOP: Bug has no status of the category Done" in missing(jira)[0]
    done = Status("1", "Done", Category.DONE)
    edit(jira, workflow=Workflow(statuses=(done,), transitions=()))
    assert "SHOP: Bug has no status that is open" in missing(jira)[0]


class Answering(httpx.HTTPTransport):
    """Answers one address itself."""

    def __init__(self, end: str, status: int, body: object) -> None:
        super().__init__()
        self._end = end
        self._answer = (status, body)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith(self._end):
            status, body = self._answer
            return httpx.Response(status, json=body, request=request)
        return super().handle_request(request)


def test_permissions_that_are_lacking_are_named(jira: StandInJira) -> None:
    given = {"permissions": {"CREATE_ISSUES": {"havePermission": True}}}
    found = report(jira, Answering("/mypermissions", 200, given), assignee=ada(jira))
    (said,) = [one for one in found.findings if one.standing is Standing.MISSING]
    assert said.what.startswith("the account lacks: Browse Projects, Edit Issues")
    assert said.what.endswith("Assign Issues")
    refused = report(jira, Answering("/mypermissions", 403, {"errorMessages": ["no"]}))
    assert "does not tell what the account may do there" in notes(refused.findings)
    assert refused.missing == 0


def test_people_who_cannot_have_tickets_are_named(any_jira: StandInJira) -> None:
    found = "\n".join(missing(any_jira, assignee="nobody", assignees={"@cart": ada(any_jira)}))
    assert "SHOP: assignee of shop: nobody cannot have tickets there. Correct the " in found
    assert "@cart" not in found
    refused = report(any_jira, Answering("/search", 403, {}), assignee="nobody")
    assert "does not tell who can have tickets there" in notes(refused.findings)


def test_a_jira_of_the_other_kind_is_named(jira: StandInJira) -> None:
    told = {"baseUrl": jira.url, "version": "9.12", "deploymentType": "Server"}
    found = report(jira, Answering("/serverInfo", 200, told))
    (said,) = [one for one in found.findings if one.standing is Standing.MISSING]
    assert (said.what, said.remedy) == ("it is no cloud", 'Set kind = "data_center".')


def test_a_wrong_token_and_a_jira_that_is_away_are_errors(jira: StandInJira) -> None:
    own = settings_of(jira)
    client = JiraClient.open(own, {"PARAMEDIC_JIRA_TOKEN": "wr0ng"})
    with pytest.raises(SinkUnavailable) as caught:
        JiraCheck(client=client, jira=own, settings=Settings(targets=TARGETS)).report()
    assert "wr0ng" not in str(caught.value)
    client.close()


@pytest.fixture
def ledger(broker_url: str) -> Iterator[redis.Redis]:
    with state_client(broker_url) as client:
        yield client


def test_the_ledger_tells_what_waits_and_what_went_wrong(ledger: redis.Redis) -> None:
    def said() -> str:
        return "\n".join(f"{one.standing} {one.what}" for one in ledger_findings(ledger))

    assert said() == "good 0 results waiting for Jira"
    ledger.zadd(keys.outbox("jira"), {"a": 1, "b": 2})
    ledger.hset(keys.resting("jira"), mapping={"until": 1_800_000_000_000, "why": "503"})
    tickets = Tickets(ledger)
    for number in range(7):
        with tickets.held(f"f{number}") as held:
            held.save(
                Ticket(
                    name=f"f{number}",
                    key=f"SHOP-{number}",
                    id=str(number),
                    left_out=("priority",),
                    blocked="done" if number == 3 else "",
                )
            )
    with tickets.held("f9") as held:
        held.begin_making()
    found = said()
    assert "good 2 results waiting for Jira" in found
    assert "note the sink rests until 2027-01-15 08:00:00 UTC: 503" in found
    assert "missing Jira refused the field priority of SHOP-" in found
    assert "and 2 more: they were made without it" in found
    assert "missing no transition leads where they should be from SHOP-3 (done)" in found
    assert "note it is not known yet whether Jira has made 1 ticket: for f9" in found
