"""Doing what the plan says to a ticket, one act at a time, each noted when it is done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import structlog
from msgspec.structs import replace

from paramedic_workers.sinks.jira.answers import Attachment, StatusCategory
from paramedic_workers.sinks.jira.attachments import File
from paramedic_workers.sinks.jira.client import JiraClient
from paramedic_workers.sinks.jira.documents import Document
from paramedic_workers.sinks.jira.fields import PROPERTY, digest, mark_of, update_of
from paramedic_workers.sinks.jira.finding import Finder
from paramedic_workers.sinks.jira.linking import (
    CERTAIN,
    Linking,
    demand_fresh,
    demand_over,
)
from paramedic_workers.sinks.jira.notes import merged_note, stuck_note
from paramedic_workers.sinks.jira.plan import (
    Act,
    Attach,
    CloseMerged,
    Found,
    Goal,
    Merge,
    Move,
    PutLink,
    Tell,
    TellLanded,
    Wanted,
    Write,
    slim,
)
from paramedic_workers.sinks.jira.refusals import JiraRefused
from paramedic_workers.sinks.jira.settings import JiraSettings
from paramedic_workers.sinks.jira.texts import Texts
from paramedic_workers.sinks.jira.tickets import Begun, Held, Stamp, Ticket, Tickets
from paramedic_workers.sinks.jira.view import Link, TicketView
from paramedic_workers.sinks.jira.workflow import Blocked, Workflow

#: Bytes of the files that are sent in one request; a greater file goes alone.
_TOGETHER = 8_000_000
#: Fields that may be left out of a write rather than that nothing is written.
_OPTIONAL = frozenset({"priority", "assignee"})

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What tickets are kept with."""

    client: JiraClient
    tickets: Tickets
    settings: JiraSettings
    texts: Texts
    finder: Finder
    linking: Linking
    workflow: Workflow


@dataclass(kw_only=True)
class Acts:
    """The acts on one ticket, under its lock."""

    tools: Tools
    held: Held
    #: The record as it is now.
    ticket: Ticket
    view: TicketView
    wanted: Wanted
    #: How it stood when it was read.
    found: Found
    #: As Jira takes it.
    description: Any
    #: Those that it had when it was read.
    attachments: Sequence[Attachment] = ()
    #: The goal that no transition leads to; empty: there is none.
    stuck: str = ""

    @cached_property
    def files(self) -> tuple[File, ...]:
        """What belongs to the result, made when it is first needed."""
        return self.tools.texts.attachments(self.view)

    def do(self, act: Act) -> None:
        """Do one act, and note it.

        Raises:
            DeliveryError: it was not done, or it is not known; a repeat finds out.
        """
        match act:
            case Move():
                self._move(act.goal)
            case Write():
                self._write(act)
            case Attach():
                self._attach(act.names)
            case PutLink():
                self._put_link(act.link)
            case Merge():
                self._merge(act.name)
            case Tell():
                self._tell(act)
            case TellLanded():
                self._tell_landed()
            case CloseMerged():
                self._close_merged(act.name)

    def end(self) -> None:
        """Note that all of it is done."""
        result = self.wanted.result
        self._save(
            kept=result.id,
            lived=result.id,
            landed=self.wanted.landed,
            blocked=self.stuck,
            count=self.view.count,
            written_at=self.held.now(),
            merged_into="",
        )

    def _move(self, goal: Goal) -> None:
        filled = self.tools.settings.place(self.wanted.result.target).fields
        blocked = self.tools.workflow.move(self.ticket.id, goal, filled)
        if blocked is None:
            self._save(closed=self.ticket.closed if goal is Goal.DONE else ())
            return
        self.stuck = str(goal)
        if self.ticket.blocked != self.stuck:
            self._tell_stuck(goal, blocked)

    def _tell_stuck(self, goal: Goal, blocked: Blocked) -> None:
        note = stuck_note(goal, blocked.why, blocked.remedy)
        mark = {"stuck": str(goal), "result": self.wanted.result.id}
        noted = {"blocked": str(goal)}
        self._unless_refused(
            "be told why it stays", lambda: self._comment("stuck", note, mark, noted)
        )
        self._save(**noted)

    def _write(self, act: Write) -> None:
        should, client = self.wanted.texts, self.tools.client
        values = {part: getattr(should, part) for part in act.parts}
        fields = update_of(act.parts, should, self.description, client)
        marks = {PROPERTY: mark_of(self.wanted.result)} if act.mark else {}
        unclear = self.ticket.writing  # it may still arrive, even after this one
        self._save(writing=replace(self.ticket.written, **values))
        try:
            client.update(self.ticket.id, fields, properties=marks)
        except JiraRefused as error:
            fields = self._write_less(error, fields, marks)
            marks = marks if fields else {}
        done = {part: value for part, value in values.items() if part in fields}
        marked = self.wanted.result.id if marks else self.ticket.marked
        written = replace(self.ticket.written, **done)
        self._save(written=written, writing=unclear, marked=marked)

    def _write_less(
        self, error: JiraRefused, fields: dict[str, Any], marks: dict[str, Any]
    ) -> dict[str, Any]:
        """Write what is left without the fields that were refused, where that can help.

        Returns:
            The fields that are done with; the others are tried again with the next result.
        """
        refused = _OPTIONAL & set(error.fields) & set(fields)
        if refused:
            _log.error("fields are not written", ticket=self.ticket.key, error=str(error))
            left = {name: value for name, value in fields.items() if name not in refused}
            self.tools.client.update(self.ticket.id, left, properties=marks)
            return fields
        if self.found.category is StatusCategory.DONE:
            _log.warning("a closed ticket stays as it is", ticket=self.ticket.key, error=str(error))
            return {}
        raise error

    def _attach(self, names: tuple[str, ...]) -> None:
        wanted = [file for file in self.files if file.name in names]
        for files in _together(file for file in wanted if not self._has_arrived(file)):
            try:
                self._send(files)
            except JiraRefused as error:
                _log.error("files are refused", ticket=self.ticket.key, error=str(error))
                for file in files if len(files) > 1 else ():
                    self._unless_refused(f"take {file.name}", partial(self._send, (file,)))
        self._note_attached(names)

    def _send(self, files: Sequence[File]) -> None:
        """Attach files in one request, which is announced before and noted after."""
        stamp, at = Stamp(), self.held.now()
        begun = {self._step(file): Begun(at=at, before=self._like(file)) for file in files}
        before = self.ticket
        self._save(begun={**before.begun, **begun})
        demand_fresh(stamp)
        try:
            sent = [(file.name, file.content, file.media_type) for file in files]
            self.tools.client.attach(self.ticket.id, sent)
        except CERTAIN:
            self._save(begun=before.begun)
            raise
        self._note_attached(tuple(file.name for file in files))

    def _note_attached(self, names: tuple[str, ...]) -> None:
        done = (f"{self.wanted.result.id}/{name}" for name in names)
        self._save(attached=tuple(dict.fromkeys((*self.ticket.attached, *done))))

    def _has_arrived(self, file: File) -> bool:
        """Whether it has come with a request whose end was not known."""
        begun = self.ticket.begun.get(self._step(file))
        if begun is None:
            return self.ticket.adopted and self._like(file) > 0
        if self._like(file) > begun.before:
            return True
        demand_over(self.held, begun, self.tools.linking.request_seconds)
        return False

    def _step(self, file: File) -> str:
        return f"attach:{self.wanted.result.id}/{file.name}"

    def _like(self, file: File) -> int:
        """How many attachments of this name and length the ticket had when it was read."""
        counted = Counter((one.filename, one.size) for one in self.attachments)
        return counted[file.name, len(file.content)]

    def _put_link(self, link: Link) -> None:
        global_id = f"paramedic:{self.ticket.name}:{digest(link.kind)}"
        self._unless_refused(
            f"take the link {link.kind}",
            lambda: self.tools.client.put_remote_link(
                self.ticket.id, global_id, link.url, link.title
            ),
        )
        self._save(links={**self.ticket.links, link.kind: link.url})

    def _tell(self, act: Tell) -> None:
        result, before = self.wanted.result, self.ticket.told
        noted = {"told": slim(result), "attached": (), "adopted": False, "begun": {}}
        if before is not None:
            note = self.tools.texts.comment(before, self.view, reopened=act.reopened)
            mark, step = {"result": result.id}, f"tell:{result.id}"
            self._unless_refused("be commented on", lambda: self._comment(step, note, mark, noted))
        self._save(**noted)

    def _tell_landed(self) -> None:
        note = self.tools.texts.landed(self.view)
        mark, noted = {"landed": self.wanted.landed}, {"landing_told": self.wanted.landed}
        self._unless_refused("be commented on", lambda: self._comment("landed", note, mark, noted))
        self._save(**noted)

    def _comment(
        self, step: str, note: Document, mark: dict[str, str], noted: Mapping[str, Any]
    ) -> None:
        self.ticket = self.tools.linking.comment(
            self.held, self.ticket, step, note, mark, noted=noted
        )

    def _merge(self, name: str) -> None:
        """Tell the ticket of a merged incident where things go on, once."""
        lead = self.ticket
        with self.tools.tickets.held(name) as held:
            sought = self.tools.finder.ticket(held, lambda: None)
            if sought is not None and sought.ticket.merged_into != lead.name:
                self._merge_into(lead, held, sought.ticket)
        self._save(merged=(*self.ticket.merged, name))

    def _merge_into(self, lead: Ticket, held: Held, ticket: Ticket) -> None:
        linking = self.tools.linking
        note = merged_note(lead.key, lead.url)
        mark = {"merged_into": lead.name, "result": self.wanted.result.id}
        noted = {"merged_into": lead.name}

        def tell() -> None:
            linking.link_duplicate(ticket.key, lead.key)
            linking.comment(held, ticket, "merged", note, mark, noted=noted)

        self._unless_refused(f"merge {ticket.key}", tell)
        held.save(replace(held.ticket or ticket, **noted))

    def _close_merged(self, name: str) -> None:
        """Move the ticket of a merged incident to done, if it is not there."""
        if self.stuck:
            return  # this one is not done either
        with self.tools.tickets.held(name) as held:
            if held.ticket is not None and not held.ticket.gone:
                self._unless_refused(f"close {held.ticket.key}", lambda: self._close(held.ticket))
        self._save(closed=(*self.ticket.closed, name))

    def _close(self, ticket: Ticket | None) -> None:
        issue = self.tools.client.issue(ticket.id, ("status",)) if ticket else None
        if issue is not None and issue.status.category is not StatusCategory.DONE:
            filled = self.tools.settings.place(self.wanted.result.target).fields
            self.tools.workflow.move(issue.id, Goal.DONE, filled, ("Duplicate",))

    def _unless_refused(self, what: str, act: Callable[[], None]) -> None:
        """Do it; where Jira refuses this, the rest is done all the same.

        Args:
            what: the act, in words that fit after "a ticket cannot".
            act: asks Jira.
        """
        try:
            act()
        except JiraRefused as error:
            key = self.ticket.key
            _log.error("a part of a ticket is refused", ticket=key, cannot=what, error=str(error))

    def _save(self, **changes: Any) -> None:
        self.ticket = self.held.save(replace(self.ticket, **changes))


def _together(files: Iterable[File]) -> Iterator[list[File]]:
    """The files in groups that fit into one request each."""
    group: list[File] = []
    for file in files:
        if group and sum(len(one.content) for one in (*group, file)) > _TOGETHER:
            yield group
            group = []
        group.append(file)
    if group:
        yield group
