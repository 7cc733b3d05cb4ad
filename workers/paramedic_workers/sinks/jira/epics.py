"""Epics: one for each pattern of failures of the healer, kept as the pattern is.

An epic is found and made as tickets are (see `finding`), by the label of its pattern. It is
kept from `tend`, since no result comes for it:

1. The tickets of its incidents are asked for: one that is done settles its incident.
2. The epic is found, or made while its pattern is open.
3. It is opened, or moved to done, as the pattern is. Where a person moves it to done, the
   pattern is closed; where its resolution is final, it is left alone.
4. Its text is written where it has changed, each part only while it is as we left it.
5. The tickets of its incidents are put below it; where that is impossible they are linked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

import redis
import structlog
from msgspec.structs import replace

from paramedic_workers import keys
from paramedic_workers.errors import DeliveryError, DeliveryPostponed, SinkUnavailable
from paramedic_workers.incidents import Ledger
from paramedic_workers.sinks import SinkContext
from paramedic_workers.sinks.jira.answers import Issue, StatusCategory
from paramedic_workers.sinks.jira.client import JiraClient
from paramedic_workers.sinks.jira.epic_children import EpicChildren
from paramedic_workers.sinks.jira.epic_fields import EpicFields
from paramedic_workers.sinks.jira.epic_texts import EpicTexts, without_counts
from paramedic_workers.sinks.jira.epic_view import EpicView, epic_view
from paramedic_workers.sinks.jira.fields import PROPERTY, NewTicket, digest, found_in, label, labels
from paramedic_workers.sinks.jira.finding import Finder
from paramedic_workers.sinks.jira.jql import one_of
from paramedic_workers.sinks.jira.plan import Goal, settled
from paramedic_workers.sinks.jira.refusals import JiraRefused
from paramedic_workers.sinks.jira.settings import JiraSettings
from paramedic_workers.sinks.jira.tickets import Held, Ticket, Tickets, Written
from paramedic_workers.sinks.jira.workflow import Workflow
from paramedic_workers.systemic.model import Pattern, PatternEnd, PatternIncident
from paramedic_workers.systemic.patterns import Patterns

#: The space of the records of epics, beside those of tickets.
_SPACE = "patterns"
#: Tickets whose status is asked for in one search: Cloud's search can be made to know so many
#: as they are now.
_SEARCHED = 50
#: Tickets that are put below one epic in one call; the others follow with the next.
_ADOPTED = 50
_READ_FIELDS = ("summary", "description", "status", "resolution", "issuetype")

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Epics:
    """Keeps the epics of all patterns."""

    client: JiraClient
    ledger: redis.Redis
    settings: JiraSettings
    patterns: Patterns
    #: Of the incidents.
    tickets: Tickets
    texts: EpicTexts
    #: Of the sink whose outbox the results of the incidents pass through.
    sink: str = "jira"

    @classmethod
    def on(
        cls, client: JiraClient, settings: JiraSettings, context: SinkContext, tickets: Tickets
    ) -> Epics:
        """The epics beside these tickets.

        Args:
            client: through which they are kept.
            settings: of the sink.
            context: of the sink.
            tickets: the records of the incidents' tickets.

        Raises:
            SettingsError: the template of epics is broken.
        """
        return cls(
            client=client,
            ledger=context.client,
            settings=settings,
            patterns=Patterns(context.client, context.settings, context.clock),
            tickets=tickets,
            texts=EpicTexts.load(settings),
        )

    @cached_property
    def epic_fields(self) -> EpicFields:
        """What is asked of this Jira once."""
        return EpicFields(self.client, self.settings)

    @cached_property
    def epics(self) -> Tickets:
        """The records of the epics."""
        space = f"{self.tickets.space}-{_SPACE}" if self.tickets.space else _SPACE
        return Tickets(self.ledger, space=space)

    def keep(self, about: Callable[[str], AbstractContextManager[None]]) -> None:
        """Bring the epics of all patterns up to date.

        Args:
            about: what goes around the upkeep of one epic.

        Raises:
            SinkUnavailable: Jira is away; the rest follows when it is back.
        """
        for pattern in self.patterns.all():
            if self._is_over(pattern):
                continue
            try:
                with about(name_of(pattern)):
                    self._keep(pattern)
            except SinkUnavailable:
                raise
            except DeliveryPostponed as pause:
                _log.info("an epic waits", pattern=pattern.id, why=str(pause))
            except DeliveryError as error:
                _log.error("an epic is not up to date", pattern=pattern.id, error=str(error))

    def _is_over(self, pattern: Pattern) -> bool:
        """Whether nothing is left to do for a pattern that is closed."""
        if pattern.is_open:
            return False
        name = name_of(pattern)
        record = self.epics.get(name)
        if record is None:
            return not self.epics.known([name])
        return record.gone or record.lived == _life(pattern)

    def _keep(self, pattern: Pattern) -> None:
        if pattern.is_open:
            self._settle(pattern)
        with self.epics.held(name_of(pattern)) as held:
            if held.ticket is not None and held.ticket.gone:
                return
            incidents = self.patterns.incidents(pattern.id)
            sought = Finder(client=self.client, settings=self.settings).ticket(
                held, lambda: self._new(pattern, incidents) if pattern.is_open else None
            )
            if sought is None:
                return
            issue = self._read(sought.ticket)
            if issue is None:
                _log.warning("an epic is gone from Jira, and stays so", epic=sought.ticket.key)
                held.save(replace(sought.ticket, gone=True))
                return
            self._bring_up(held, sought.ticket, issue, pattern, incidents)

    def _read(self, ticket: Ticket) -> Issue | None:
        """The epic as it stands; None only where Jira says twice that it has none."""
        found = (self.client.issue(name, _READ_FIELDS) for name in (ticket.id, ticket.key))
        return next(filter(None, found), None)

    # --- the tickets of the incidents

    def _settle(self, pattern: Pattern) -> None:
        """Settle the incidents whose tickets are done, or that get none."""
        unsettled = [one for one in self.patterns.incidents(pattern.id) if not one.settled]
        told = [one for one in unsettled if self._is_delivered(one)]
        tickets = self._tickets(told)
        quiet = self.patterns.is_quiet(pattern)
        left = iter(told)
        while page := list(islice(left, _SEARCHED)):
            known = {one.lead: tickets[one.lead] for one in page if one.lead in tickets}
            found = self._categories(known.values())
            for incident in page:
                ticket = known.get(incident.lead)
                category = found.get(ticket.id) if ticket else None
                if category is StatusCategory.DONE:
                    self.patterns.settle(pattern.id, incident, "its ticket is done")
                elif category is None and quiet:  # by now it would be there
                    self.patterns.settle(pattern.id, incident, "it has no ticket")

    def _categories(self, tickets: Iterable[Ticket]) -> dict[str, StatusCategory]:
        """Where those tickets stand, by their ids, as far as they are there."""
        asked = list(tickets)
        if not asked:
            return {}
        found = self.client.search(
            one_of("labels", [label(ticket.name) for ticket in asked]),
            fields=("status", "labels"),
            reconcile=[ticket.id for ticket in asked],
        )
        return {one.id: one.status.category for one in found}

    def _is_delivered(self, incident: PatternIncident) -> bool:
        """Whether the ticket tells of the failing result: before, its status means nothing."""
        return self.ledger.zscore(keys.outbox(self.sink), incident.result) is None

    def _tickets(self, incidents: Iterable[PatternIncident]) -> dict[str, Ticket]:
        """The tickets of the incidents that lead, by their names."""
        found = {name: self.tickets.get(name) for name in {one.lead for one in incidents}}
        return {name: ticket for name, ticket in found.items() if ticket is not None}

    # --- the epic

    def _new(self, pattern: Pattern, incidents: Sequence[PatternIncident]) -> NewTicket:
        target = incidents[0].target if len({one.target for one in incidents}) == 1 else ""
        place = self.settings.place(target or next((one.target for one in incidents), ""))
        project = place.project if target else self.settings.project or place.project
        kind = self.epic_fields.type_in(project)
        summary = self.texts.summary(pattern)
        view = self._view(pattern, incidents, is_epic=kind is not None)
        description = self.client.text(self.texts.description(view))
        fields: dict[str, Any] = {
            **place.fields,
            "project": {"key": project},
            "issuetype": {"name": kind.name if kind else place.issue_type},
            "summary": summary,
            "description": description,
            "labels": labels(name_of(pattern), self.settings.labels),
        }
        if kind is not None:
            fields |= self.epic_fields.named(project, kind, summary)
        mark = {"pattern": pattern.id, "strategy": pattern.strategy}
        written = Written(summary=summary, description=digest(description))
        return NewTicket(target=target, fields=fields, properties={PROPERTY: mark}, written=written)

    def _view(
        self, pattern: Pattern, incidents: Sequence[PatternIncident], *, is_epic: bool
    ) -> EpicView:
        records = Ledger(self.ledger).members([one.fingerprint for one in incidents])
        by_name = {record.fingerprint: record for record in records}
        return epic_view(pattern, incidents, by_name, self._tickets(incidents), is_epic=is_epic)

    def _bring_up(
        self,
        held: Held,
        ticket: Ticket,
        issue: Issue,
        pattern: Pattern,
        incidents: Sequence[PatternIncident],
    ) -> None:
        if ticket.key != issue.key:
            url = self.client.browse_url(issue.key)
            ticket = held.save(replace(ticket, key=issue.key, url=url))
        if self._was_closed_by_a_person(ticket, issue, pattern):
            self.patterns.close(pattern, PatternEnd.PERSON)
            return  # the next call tells of it
        if self._is_final(issue):
            blocked = str(Goal.OPEN) if pattern.is_open else ""
            held.save(replace(ticket, lived=_life(pattern), blocked=blocked))
            return
        is_epic = self.epic_fields.is_epic(issue)
        view = self._view(pattern, incidents, is_epic=is_epic)
        if pattern.is_open:
            ticket = self._live(held, ticket, issue, pattern)
            ticket = self._write(held, ticket, issue, view)
            self._adopt(held, ticket, incidents, is_epic=is_epic)
        else:  # what is done may refuse to be written
            ticket = self._write(held, ticket, issue, view)
            self._live(held, ticket, issue, pattern)

    def _was_closed_by_a_person(self, ticket: Ticket, issue: Issue, pattern: Pattern) -> bool:
        done = issue.status.category is StatusCategory.DONE
        followed = ticket.lived == _life(pattern) and not ticket.blocked
        return pattern.is_open and done and followed

    def _is_final(self, issue: Issue) -> bool:
        finals = {name.casefold().strip() for name in self.settings.final_resolutions}
        done = issue.status.category is StatusCategory.DONE
        return done and issue.resolution.casefold().strip() in finals

    def _live(self, held: Held, ticket: Ticket, issue: Issue, pattern: Pattern) -> Ticket:
        """Move it to where the pattern stands, once for each change of that."""
        if ticket.lived == _life(pattern):
            return ticket
        done = issue.status.category is StatusCategory.DONE
        if done == pattern.is_open:
            goal = Goal.OPEN if pattern.is_open else Goal.DONE
            filled = self.settings.place(ticket.target).fields
            blocked = Workflow(client=self.client).move(ticket.id, goal, filled)
            ticket = replace(ticket, blocked=str(goal) if blocked else "")
        return held.save(replace(ticket, lived=_life(pattern)))

    def _write(self, held: Held, ticket: Ticket, issue: Issue, view: EpicView) -> Ticket:
        """Write what has changed; what only counts, at most once in `repeat_seconds`."""
        shape = digest(self.client.text(self.texts.description(without_counts(view))))
        description = self.client.text(self.texts.description(view))
        wanted = Written(summary=self.texts.summary(view.pattern), description=digest(description))
        rested = held.age(ticket.written_at) >= self.settings.repeat_seconds
        if wanted == ticket.written or (shape == ticket.kept and not rested):
            return ticket if shape == ticket.kept else held.save(replace(ticket, kept=shape))
        fields = self._own_parts(ticket, issue, wanted, description)
        written = wanted
        if fields:
            ticket = settled(ticket, found_in(issue))
            ticket = held.save(replace(ticket, writing=wanted))
            try:
                self.client.update(ticket.id, fields)
            except JiraRefused as error:
                if issue.status.category is not StatusCategory.DONE:
                    raise
                _log.warning("a closed epic stays as it is", epic=ticket.key, error=str(error))
                written = ticket.written
        ticket = replace(ticket, written=written, writing=None, kept=shape)
        return held.save(replace(ticket, written_at=held.now()))

    def _own_parts(
        self, ticket: Ticket, issue: Issue, wanted: Written, description: Any
    ) -> dict[str, Any]:
        """The fields to be written: those that stand as we wrote them last."""
        found, ours = found_in(issue).texts, (ticket.written, ticket.writing or ticket.written)
        fields: dict[str, Any] = {}
        if found.summary != wanted.summary and found.summary in [one.summary for one in ours]:
            fields["summary"] = wanted.summary
        if found.description in [one.description for one in ours]:
            fields["description"] = description
        return fields

    def _adopt(
        self, held: Held, epic: Ticket, incidents: Sequence[PatternIncident], *, is_epic: bool
    ) -> None:
        """Put the tickets below the epic that are not; each is noted when it is done."""
        children = EpicChildren(
            client=self.client, fields=self.epic_fields, is_ours=self._is_epic_of_ours
        )
        wanted = self._tickets(one for one in incidents if one.harmed)
        missing = (one for one in wanted.values() if one.id not in epic.children and not one.gone)
        for ticket in islice(missing, _ADOPTED):
            children.adopt(epic.key, ticket.id, is_epic=is_epic)
            epic = held.save(replace(epic, children=(*epic.children, ticket.id)))

    def _is_epic_of_ours(self, key: str) -> bool:
        return self.epics.by_key(key) is not None


def name_of(pattern: Pattern) -> str:
    """What the record and the label of a pattern's epic are named by."""
    return f"pattern-{pattern.id}"


def _life(pattern: Pattern) -> str:
    """The state that an epic follows: it is carried out once."""
    return f"{pattern.openings}:{pattern.state}"
