"""The sink in a dry run: the whole life of a ticket on the page, and not one request sent."""

from __future__ import annotations

from pathlib import Path

import msgspec

from paramedic_workers.errors import Verdict
from paramedic_workers.sinks import SinkContext
from paramedic_workers.sinks.file import FileSink
from paramedic_workers.sinks.jira.dry_ticket import DryTicket, read_dry_ticket
from paramedic_workers.sinks.jira.settings import JiraSettings
from paramedic_workers.sinks.jira.sink import JiraSink
from tests.support.jira_flow import TicketFlow


def test_the_life_of_a_ticket_is_seen_and_not_sent(tickets: TicketFlow, tmp_path: Path) -> None:
    reports = FileSink(tmp_path)
    table = {"file": {"directory": str(tmp_path)}}
    settings = msgspec.structs.replace(tickets.flow.settings, sinks=table)
    jira = JiraSettings(dry_run=True, project="SHOP", repeat_seconds=0.0)
    sink = JiraSink.open_connected(jira, SinkContext(settings=settings, client=tickets.flow.client))
    folder = reports.folder(tickets.heal(Verdict.UNHEALED).incident)

    def deliver(verdict: Verdict) -> DryTicket:
        result = tickets.heal(verdict)
        sink.deliver(result)
        sink.deliver(result)
        reports.deliver(result)
        ticket = read_dry_ticket(folder)
        assert ticket is not None
        assert ticket.fields["summary"] in (folder / "jira.html").read_text()
        assert ticket.key in (folder / "report.html").read_text()
        return ticket

    made = deliver(Verdict.UNHEALED)
    assert made.fields["summary"].startswith("[UNHEALED] shop: ")
    assert (made.key, made.fields["status"]["name"], made.comments) == ("SHOP-1", "To Do", [])
    assert made.requests[0].method == "POST"

    healed = deliver(Verdict.HEALED)
    assert (healed.key, len(healed.comments)) == ("SHOP-1", 1)
    assert healed.fields["summary"].startswith("[HEALED] shop: ")
    assert {file["filename"] for file in healed.attachments} == {
        *("heal.log", "fix.patch", "result.json", "report.html")
    }

    fixed = deliver(Verdict.ALREADY_FIXED)
    assert (fixed.key, fixed.fields["status"]["name"]) == ("SHOP-1", "Done")

    again = deliver(Verdict.FAILED)
    assert again.fields["summary"].startswith("[AUTO-HEAL-FAIL] [")
    assert (again.key, again.fields["status"]["name"]) == ("SHOP-1", "To Do")
    assert again.requests[: len(made.requests)] == made.requests
    assert tickets.jira.requests == []
    assert not tickets.flow.client.exists(f"paramedic:ticket:{again.about}")
