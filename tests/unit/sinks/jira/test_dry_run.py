"""A dry run: what would be sent is seen, and a client meets a Jira in which all goes well."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from jinja2 import UndefinedError
from msgspec import structs

from paramedic_workers.errors import SinkUnavailable, Verdict
from paramedic_workers.settings import Settings
from paramedic_workers.sinks.file import FileSink
from paramedic_workers.sinks.jira import dry_run
from paramedic_workers.sinks.jira.answers import StatusCategory
from paramedic_workers.sinks.jira.client import JiraClient
from paramedic_workers.sinks.jira.documents import Document, Paragraph, Text
from paramedic_workers.sinks.jira.dry_run import about, dry_run_transport
from paramedic_workers.sinks.jira.dry_ticket import DryTicket, SentRequest, read_dry_ticket
from paramedic_workers.sinks.jira.samples import sample_views
from paramedic_workers.sinks.jira.settings import JiraKind, JiraSettings
from paramedic_workers.sinks.jira.texts import Texts
from paramedic_workers.sinks.jira.view import TicketView
from tests.support.jira_contract import NEEDS_CONTRACT, judging

TEXTS = Texts.load(JiraSettings())
NOTE = Document((Paragraph((Text("<b>said</b>"),)),))


class Dry:
    """A dry run in a folder, and what a sink would do there."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.settings = Settings(data=str(folder), sinks={"file": {"directory": str(folder)}})
        jira = JiraSettings(dry_run=True, project="SHOP", **settings)
        transport = dry_run_transport(jira, self.settings)
        self.client = JiraClient.open(jira, {"PARAMEDIC_JIRA_TOKEN": "t0ken"}, transport)
        self.reports = FileSink(folder)

    def make(self, incident: str = "abc", verdict: Verdict = Verdict.HEALED) -> str:
        """The id of a ticket for an incident."""
        view = sample(incident, verdict)
        with about(incident):
            return self.client.create(self.fields(view), {"paramedic": {"result": "1"}}).id

    def fields(self, view: TicketView) -> dict[str, Any]:
        return {
            "project": {"key": "SHOP"},
            "issuetype": {"name": "Bug"},
            "summary": TEXTS.summary(view),
            "description": self.client.text(TEXTS.description(view)),
            "labels": ["paramedic", f"paramedic-{view.result.incident}"],
        }

    def ticket(self, incident: str = "abc") -> DryTicket:
        found = read_dry_ticket(self.reports.folder(incident))
        assert found is not None
        return found

    def page(self, name: str, incident: str = "abc") -> str:
        return (self.reports.folder(incident) / name).read_text()


def sample(incident: str, verdict: Verdict = Verdict.HEALED) -> TicketView:
    view = next(view for view in sample_views() if view.result.verdict is verdict)
    return replace(view, result=structs.replace(view.result, incident=incident))


@pytest.fixture
def dry(tmp_path: Path) -> Dry:
    return Dry(tmp_path)


def test_a_ticket_is_kept_as_it_would_stand_in_jira(dry: Dry) -> None:
    key = dry.make()
    with about("abc"):
        dry.client.update(key, {"summary": "new"}, {"labels": [{"add": "x"}, {"remove": "none"}]})
        dry.client.attach(key, [("heal.log", b"line\r\n\r\nline", "text/plain")])
        dry.client.comment(key, NOTE, {"paramedic": "told"})
        dry.client.put_remote_link(key, "branch", "https://git.example/x", "branch")
        dry.client.put_remote_link(key, "branch", "https://git.example/y", "branch")
        dry.client.update(key, {}, properties={"more": [1]})
    issue = dry.client.issue(key, properties=("paramedic", "more"))
    assert issue is not None
    assert (issue.key, issue.summary, issue.resolution) == ("SHOP-1", "new", "")
    assert issue.labels == ("paramedic", "paramedic-abc", "x")
    assert issue.fields["description"] == dry.fields(sample("abc"))["description"]
    assert issue.properties == {"paramedic": {"result": "1"}, "more": [1]}
    assert [(file.filename, file.size) for file in issue.attachments] == [("heal.log", 12)]
    (comment,) = dry.client.comments("SHOP-1")
    assert comment.properties == {"paramedic": "told"}
    assert [link["object"]["url"] for link in dry.ticket().remote_links.values()] == [
        "https://git.example/y"
    ]


def test_a_ticket_goes_through_its_workflow(dry: Dry) -> None:
    key = dry.make()
    seen = []
    for _ in range(2):
        (way,) = dry.client.transitions(key)
        dry.client.transition(key, way.id)
        issue = dry.client.issue(key)
        assert issue is not None
        seen.append((way.to.category, issue.status.category, issue.resolution))
    done, new = StatusCategory.DONE, StatusCategory.NEW
    assert seen == [(done, done, "Done"), (new, new, "")]


def test_every_request_that_changes_something_is_noted_in_order(dry: Dry) -> None:
    key = dry.make()
    with about("abc"):
        dry.client.issue(key)
        dry.client.comments(key)
        dry.client.comment(key, NOTE)
        dry.client.attach(key, [("heal.log", b"x" * 20, "text/plain")])
        dry.client.link("Duplicate", "SHOP-1", "SHOP-9")
    raw = json.loads(dry.page("jira.json"))
    assert [(request["method"], request["path"]) for request in raw["requests"]] == [
        ("POST", "/rest/api/3/issue"),
        ("POST", f"/rest/api/3/issue/{key}/comment"),
        ("POST", f"/rest/api/3/issue/{key}/attachments"),
        ("POST", "/rest/api/3/issueLink"),
    ]
    assert raw["requests"][0]["body"]["fields"]["summary"].startswith("[HEALED] shop: ")
    assert raw["requests"][2]["body"] == [
        {"filename": "heal.log", "mimeType": "text/plain", "size": 20}
    ]
    assert "t0ken" not in dry.page("jira.json")
    assert dry.page("jira.json").count("\n") > 50  # for people


def test_tickets_are_numbered_and_found_by_whoever_asks(dry: Dry, tmp_path: Path) -> None:
    ids = [dry.make(name) for name in ("a", "b", "c")]
    other = Dry(tmp_path)
    keys = [issue.key for id in ids if (issue := other.client.issue(id))]
    assert keys == ["SHOP-1", "SHOP-2", "SHOP-3"]
    assert other.client.issue("SHOP-4") is None
    assert other.client.issue("OTHER-1") is None
    assert other.client.issue("nonsense") is None
    assert list(other.client.search('labels = "paramedic-a"')) == []


def test_a_ticket_is_gone_with_its_incident(dry: Dry) -> None:
    key = dry.make()
    dry.reports.deliver(sample("abc").result)
    assert dry.reports.forget(before=2**40) == 1
    assert dry.client.issue(key) is None
    assert dry.make("other") != key


@pytest.mark.parametrize("file_first", [True, False])
def test_the_page_shows_the_ticket_whichever_sink_was_first(dry: Dry, file_first: bool) -> None:
    if file_first:
        dry.reports.deliver(sample("abc").result)
    dry.make()
    if not file_first:
        assert not (dry.reports.folder("abc") / "report.html").exists()
        dry.reports.deliver(sample("abc").result)
    assert 'href="jira.html"' in dry.page("report.html")
    assert "SHOP-1" in dry.page("report.html")
    assert 'href="abc/jira.html"' in (dry.reports.directory / "index.html").read_text()


def test_without_a_dry_run_no_page_speaks_of_tickets(dry: Dry) -> None:
    dry.reports.deliver(sample("abc").result)
    assert "jira" not in dry.page("report.html").lower()
    assert "jira" not in (dry.reports.directory / "index.html").read_text().lower()


@pytest.mark.parametrize("verdict", list(Verdict))
def test_the_ticket_has_a_page_that_looks_like_it(dry: Dry, verdict: Verdict) -> None:
    key = dry.make(verdict=verdict)
    with about("abc"):
        dry.client.comment(key, NOTE)
        dry.client.put_remote_link(key, "x", "https://git.example/x", "the branch")
    page = dry.page("jira.html")
    assert f"<h1>{TEXTS.summary(sample('abc', verdict))}</h1>" in page
    for expected in ("SHOP-1", "To Do", "<h3>What failed</h3>", "&lt;b&gt;said&lt;/b&gt;", "Bug"):
        assert expected in page, expected
    assert 'href="https://git.example/x"' in page
    assert "<script" not in page


def test_a_dry_run_needs_no_project(dry: Dry) -> None:
    fields = {**dry.fields(sample("abc")), "project": {"key": ""}}
    with about("abc"):
        dry.client.create(fields)
    assert "DRY / <b>DRY-1</b>" in dry.page("jira.html")


def test_a_page_that_cannot_be_drawn_harms_nothing_else(
    dry: Dry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(ticket: DryTicket) -> str:
        raise UndefinedError("'dict object' has no attribute 'id'")

    monkeypatch.setattr(dry_run, "render_ticket", broken)
    assert dry.make() == dry.ticket().id
    assert not (dry.reports.folder("abc") / "jira.html").exists()


def test_wiki_text_is_shown_as_it_is(tmp_path: Path) -> None:
    dry = Dry(tmp_path, kind=JiraKind.DATA_CENTER)
    dry.make()
    assert "h2. What failed" in dry.page("jira.html")
    assert [request.path for request in dry.ticket().requests] == ["/rest/api/2/issue"]


def test_what_is_checked_before_a_start_is_there(tmp_path: Path) -> None:
    client = Dry(tmp_path, fields={"customfield_7": "x"}, issue_type="Task").client
    project = client.project("SHOP")
    types = client.issue_types("SHOP")
    assert project is not None
    assert (project.key, client.myself().account) == ("SHOP", "dry-run")
    assert [(one.name, one.hierarchy_level) for one in types] == [("Task", 0), ("Epic", 1)]
    assert "customfield_7" in {one.field_id for one in client.create_fields("SHOP", types[0].id)}
    assert {"Duplicate"} <= {one.name for one in client.link_types()}
    assert client.permissions("SHOP", ("CREATE_ISSUES",)) == {"CREATE_ISSUES": True}
    assert client.server().version == "dry run"
    assert {"summary"} <= {one.id for one in client.fields()}


def test_what_has_a_ticket_and_no_result_is_forgotten_too(dry: Dry) -> None:
    dry.make("pattern-1")
    dry.client.create(dry.fields(sample("abc")))
    assert dry.reports.forget(before=0) == 0
    assert dry.reports.forget(before=2**40) == 1
    assert [path.name for path in dry.reports.directory.iterdir()] == [".jira", "index.html"]


def test_requests_about_no_incident_have_a_place_too(dry: Dry) -> None:
    created = dry.client.create(dry.fields(sample("abc")))
    found = read_dry_ticket(dry.reports.directory / ".jira")
    assert found is not None
    assert found.key == created.key


def test_what_is_kept_is_bounded_and_without_secrets() -> None:
    ticket = DryTicket(about="x")
    body = {"a": ["https://ada:pa55@git.example", "y" * 900_000]}
    at = sample("x").result.started_at
    for _ in range(100):
        ticket.note(SentRequest(at=at, method="PUT", path="/", body=body))
    assert len(ticket.requests) + ticket.forgotten == 100
    assert len(ticket.requests) < 100
    assert len(ticket.requests[0].body["a"][1]) < 50_000
    assert "pa55" not in str(ticket.requests)


def test_a_file_in_place_of_the_folder_is_a_jira_that_is_away(tmp_path: Path) -> None:
    (tmp_path / "abc").write_text("in the way")
    with pytest.raises(SinkUnavailable, match="dry run"):
        Dry(tmp_path).make()


@NEEDS_CONTRACT
def test_its_answers_are_such_as_jira_gives(tmp_path: Path) -> None:
    jira = JiraSettings(dry_run=True, project="SHOP")
    settings = Settings(data=str(tmp_path))
    transport: httpx.BaseTransport = judging(dry_run_transport(jira, settings))
    client = JiraClient.open(jira, {}, transport)
    with about("abc"):
        wanted = {"project": {"key": "SHOP"}, "issuetype": {"name": "Bug"}, "summary": "x"}
        key = client.create(wanted).key
        client.attach(key, [("heal.log", b"x", "text/plain")])
        client.put_remote_link(key, "x", "https://git.example/x", "the branch")
        client.comment(key, NOTE)
    assert client.issue(key)
    assert client.transitions(key)
    assert client.comments(key)
    assert client.issue_types("SHOP")
