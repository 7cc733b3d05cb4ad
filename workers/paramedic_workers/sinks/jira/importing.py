"""Reads tickets, and publishes what they tell of again as events.

1. The tickets that a query finds are read with their attachments, one after the other.
2. What they carry becomes events (`ticket_events`), of the target that the event names, else
   a label, else the caller, else the ticket's project; else of the only one there is.
3. The events of one attachment are published in batches whose ids are always the same: intake
   records each once, and the ledger remembers for as long as results are kept what was imported.

Jira is only read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Protocol, cast

import msgspec
import redis

from paramedic.event import MAX_BATCH_EVENTS, FailureEvent, now
from paramedic.fingerprint import fingerprint
from paramedic.text import one_line
from paramedic.transport import Transport, TransportError
from paramedic.wire import MAX_BATCH_BYTES, Message, assemble, encoded
from paramedic_workers import keys
from paramedic_workers.errors import BrokerError, DeliveryError, UsageError
from paramedic_workers.incidents import IncidentRecord, Ledger
from paramedic_workers.settings import Settings
from paramedic_workers.sinks.jira.answers import Attachment, Issue
from paramedic_workers.sinks.jira.refusals import JiraRefused
from paramedic_workers.sinks.jira.settings import JiraSettings
from paramedic_workers.sinks.jira.target_files import TargetFiles
from paramedic_workers.sinks.jira.ticket_events import (
    Occasion,
    Reading,
    merged_readings,
    read_source,
)

#: Bytes of an attachment that is read; greater ones are named and left.
MAX_ATTACHMENT = 10_000_000
#: Attachments of one ticket that are read, the newest.
MAX_ATTACHMENTS = 20
#: Bytes read in all by one import.
MAX_TOTAL = 500_000_000
#: What is asked of each ticket.
_FIELDS = ("summary", "labels", "attachment", "description", "created", "project")
#: Endings of files that can hold events, and beginnings of their media types.
_ENDINGS = (".json", ".jsonl", ".ndjson", ".xml", ".log", ".txt", ".out", ".err")
_MEDIA_TYPES = ("text/plain", "text/xml", "application/json", "application/xml")
#: What a reading of the description is called.
_DESCRIPTION = "description"


class ReadsTickets(Protocol):
    """What is needed of the client."""

    def search(self, jql: str, fields: Sequence[str] = ..., *, limit: int = ...) -> Iterator[Issue]:
        """The tickets that a query finds."""
        ...

    def download(self, attachment: Attachment, limit: int = ...) -> bytes:
        """The bytes of an attachment."""
        ...

    def browse_url(self, key: str) -> str:
        """Where people read the ticket."""
        ...


class ImportOutcome(StrEnum):
    """What became of one ticket."""

    #: Its events were published.
    PUBLISHED = "published"
    #: They would be: nothing was sent, as was asked.
    FOUND = "found"
    #: They were imported before.
    KNOWN = "known"
    #: It carries no event.
    NOTHING = "nothing"


class ImportedTicket(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one ticket, and why."""

    key: str
    url: str
    summary: str
    outcome: ImportOutcome
    #: Targets of its events.
    targets: tuple[str, ...] = ()
    #: Names of the files that its events were read from.
    sources: tuple[str, ...] = ()
    #: Occurrences that its events tell of.
    occurrences: int = 0
    #: Fingerprints of those events.
    incidents: tuple[str, ...] = ()
    #: Why there are none, in words.
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class _Batch:
    """One message, and the id by which it is always the same."""

    id: str
    message: Message


@dataclass(kw_only=True)
class TicketImport:
    """Imports tickets of one Jira."""

    jira: ReadsTickets
    settings: Settings
    jira_settings: JiraSettings
    #: Of the ledger; None where a dry run cannot reach it.
    client: redis.Redis | None
    transport: Transport
    #: The target of what nothing else names one for; empty: none.
    target: str = ""
    #: Publish nothing.
    dry_run: bool = False
    #: Publish what was imported before as well, as if it happened now.
    again: bool = False
    clock: Callable[[], datetime] = now
    _files: TargetFiles = field(init=False)
    _left: int = field(default=MAX_TOTAL, init=False)
    #: Makes ids new, where everything is imported again.
    _turn: str = field(init=False)

    def __post_init__(self) -> None:
        """Nothing is read yet."""
        self._files = TargetFiles(targets=self.settings.targets)
        self._turn = str(time.time_ns()) if self.again else ""

    def run(self, jql: str, limit: int) -> Iterator[ImportedTicket]:
        """Import the tickets that the query finds, and tell of each.

        Args:
            jql: a query with a condition.
            limit: tickets at most.

        Raises:
            UsageError: the query has no condition, or Jira does not take it.
            DeliveryError: Jira does not answer.
            BrokerError: the broker does not take the events.
        """
        for issue in self._search(jql, limit):
            yield self._import(issue)

    def _search(self, jql: str, limit: int) -> Iterator[Issue]:
        try:
            yield from self.jira.search(jql, _FIELDS, limit=limit)
        except ValueError as error:
            raise UsageError(f"--jql: {error}") from error
        except JiraRefused as error:
            said = "; ".join(error.messages) or error.message
            raise UsageError(f"--jql: Jira does not take it: {said}") from error

    def _import(self, issue: Issue) -> ImportedTicket:
        readings, why = merged_readings(list(self._readings(issue)))
        targets = {event.target for reading in readings for event in reading.events}
        if unknown := sorted(targets - self.settings.targets.keys()):
            why = f"it is of target {unknown[0]}, which the settings do not have"
            return self._told(issue, ImportOutcome.NOTHING, [], why)
        if not readings:
            return self._told(issue, ImportOutcome.NOTHING, [], why)
        batches = [batch for one in readings for batch in self._batches(issue, one)]
        fresh = [batch for batch in batches if not self._is_known(batch)]
        if not fresh:
            return self._told(issue, ImportOutcome.KNOWN, readings, "it was imported before")
        if self.dry_run:
            return self._told(issue, ImportOutcome.FOUND, readings)
        self._publish(fresh)
        return self._told(issue, ImportOutcome.PUBLISHED, readings)

    def _told(
        self, issue: Issue, outcome: ImportOutcome, readings: Sequence[Reading], why: str = ""
    ) -> ImportedTicket:
        events = [event for reading in readings for event in reading.events]
        return ImportedTicket(
            key=issue.key,
            url=self.jira.browse_url(issue.key),
            summary=one_line(issue.summary),
            outcome=outcome,
            targets=tuple(sorted({event.target for event in events})),
            sources=tuple(reading.name for reading in readings),
            occurrences=sum(event.count for event in events),
            incidents=tuple(dict.fromkeys(fingerprint(event) for event in events)),
            why=why,
        )

    # What a ticket carries

    def _readings(self, issue: Issue) -> Iterator[Reading]:
        """What each attachment gave, oldest first; the description, where none gave anything."""
        attachments = sorted(issue.attachments, key=lambda one: (one.created, one.id))
        found = False
        for attachment in [one for one in attachments if _may_hold(one)][-MAX_ATTACHMENTS:]:
            reading = self._attachment(issue, attachment)
            found = found or bool(reading.events)
            yield reading
        if not found and (text := _text_of(issue.fields.get("description"))):
            yield read_source(_DESCRIPTION, text.encode(), self._occasion(issue, _digest(text)))

    def _attachment(self, issue: Issue, attachment: Attachment) -> Reading:
        name = one_line(attachment.filename, 80) or attachment.id
        most = min(MAX_ATTACHMENT, self._left)
        if attachment.size > most:
            why = f"it has {attachment.size:,} bytes, more than the {most:,} that are read"
            return Reading(name=name, why=why)
        try:
            data = self.jira.download(attachment, most)
        except DeliveryError as error:
            return Reading(name=name, why=f"it cannot be read: {error.message}")
        self._left -= len(data)
        return read_source(name, data, self._occasion(issue, attachment.id))

    def _occasion(self, issue: Issue, source: str) -> Occasion:
        url = self.jira.browse_url(issue.key)
        return Occasion(
            origin=f"{self._site(issue)}/{source}",
            target=self._target(issue),
            at=_moment(str(issue.fields.get("created") or ""), self.clock()),
            files=self._files,
            known=self._known_incident,
            tags={f"imported from {issue.key}": url},
        )

    def _site(self, issue: Issue) -> str:
        """What names a ticket for ever: it may be moved to another project."""
        site = self.jira.browse_url(issue.key).removesuffix(issue.key)
        return f"jira-import/{site}{issue.id}"

    def _target(self, issue: Issue) -> str:
        """The target of a ticket that carries no event of its own; empty: nobody knows."""
        targets = sorted(self.settings.targets)
        labelled = [name for name in targets if name in issue.labels]
        if len(labelled) == 1:
            return labelled[0]
        if self.target:
            return self.target
        project = str((issue.fields.get("project") or {}).get("key") or "")
        of_project = [n for n in targets if self.jira_settings.place(n).project == project]
        if project and len(of_project) == 1:
            return of_project[0]
        return targets[0] if len(targets) == 1 else ""

    def _known_incident(self, name: str) -> IncidentRecord | None:
        if self.client is None:
            return None
        found = Ledger(self.client).members([name])
        return found[0] if found else None

    # Publishing

    def _batches(self, issue: Issue, reading: Reading) -> Iterator[_Batch]:
        """The messages with the events of one attachment."""
        seen = self._seen_now(reading.events) if self.again else reading.events
        for number, events in enumerate(_chunks(seen)):
            ids = "/".join(event.id for event in events)
            text = f"{self._site(issue)}/{reading.name}/{number}/{ids}/{self._turn}"
            name = blake2b(text.encode(), digest_size=16).hexdigest()
            yield _Batch(id=name, message=assemble([encoded(one) for one in events], name))

    def _seen_now(self, events: Sequence[FailureEvent]) -> list[FailureEvent]:
        """The events as if they happened now too, so that what was closed is opened again."""
        return [msgspec.structs.replace(event, last_at=self.clock()) for event in events]

    def _is_known(self, batch: _Batch) -> bool:
        if self.again or self.client is None:
            return False
        imported = self.client.zscore(keys.IMPORTED, batch.id) is not None
        return imported or bool(self.client.exists(keys.batch(batch.id)))

    def _publish(self, batches: Sequence[_Batch]) -> None:
        if self.client is None:
            raise UsageError("Events are published only beside a ledger.")
        try:
            self.transport.send([batch.message for batch in batches])
        except TransportError as error:
            raise BrokerError(f"The broker has not taken everything: {error}.") from error
        present = self.clock().timestamp()
        oldest = present - self.settings.retention_days * 24 * 3600
        with self.client.pipeline() as pipe:
            pipe.zadd(keys.IMPORTED, {batch.id: present for batch in batches})
            pipe.zremrangebyscore(keys.IMPORTED, "-inf", oldest)
            pipe.execute()


def _chunks(events: Sequence[FailureEvent]) -> Iterator[list[FailureEvent]]:
    """The events in parts that a message can carry, each of one target."""
    chunk: list[FailureEvent] = []
    size = 0
    for event in sorted(events, key=lambda one: one.target):
        length = len(encoded(event).data)
        full = len(chunk) == MAX_BATCH_EVENTS or size + length > MAX_BATCH_BYTES
        if chunk and (full or chunk[0].target != event.target):
            yield chunk
            chunk, size = [], 0
        chunk.append(event)
        size += length
    if chunk:
        yield chunk


def _may_hold(attachment: Attachment) -> bool:
    name = attachment.filename.lower()
    return name.endswith(_ENDINGS) or attachment.mime_type.startswith(_MEDIA_TYPES)


def _text_of(description: object) -> str:
    """The words of a description: wiki text as it is, of ADF the text of its nodes."""
    if isinstance(description, str):
        return description.replace("{code}", "").replace("{noformat}", "")
    if not isinstance(description, Mapping):
        return ""
    lines: list[str] = []
    waiting: list[object] = [description]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, Mapping):
            continue
        if isinstance(text := node.get("text"), str):
            lines.append(text)
        content = node.get("content")
        waiting += reversed(cast("list[object]", content)) if isinstance(content, list) else []
    return "\n".join(lines)


def _digest(text: str) -> str:
    return "description/" + blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()


def _moment(text: str, fallback: datetime) -> datetime:
    """A time as Jira writes it, in UTC."""
    for form in ("%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%dT%H:%M:%S%z"):
        try:
            return datetime.strptime(text, form).astimezone(UTC)
        except ValueError:
            continue
    return fallback


def as_document(tickets: Sequence[ImportedTicket]) -> str:
    """What became of each ticket, as one JSON document."""
    return msgspec.json.format(msgspec.json.encode(tickets), indent=2).decode()
