"""What the stand-in knows: its tickets, what its search knows of them, and its journal."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import msgspec

from paramedic_workers.sinks.jira.settings import JiraKind
from tests.support.jira import jql, places
from tests.support.jira.answers import Refused, missing
from tests.support.jira.model import (
    RESOLUTIONS,
    Category,
    IssueType,
    Json,
    Project,
    StandInLink,
    StandInTicket,
    words,
)


class JiraState:
    """Everything that is remembered; one lock for all of it.

    Args:
        kind: which Jira it is.
        clock: seconds since the epoch.
        journal: file that every change is added to, and read from at the start.
    """

    def __init__(
        self, kind: JiraKind, clock: Callable[[], float], journal: Path | None = None
    ) -> None:
        self.kind = kind
        self.clock = clock
        self.lock = threading.RLock()
        self.projects: dict[str, Project] = places.usual_projects(kind)
        #: Tickets by id.
        self.by_id: dict[str, StandInTicket] = {}
        #: Contents of attachments by id.
        self.contents: dict[str, bytes] = {}
        #: Seconds that the search lags behind.
        self.search_lag = 0.0
        self._ids: dict[str, str] = {}
        self._index: dict[str, list[tuple[float, dict[str, Any] | None]]] = {}
        self._next = 10_000
        self._journal: IO[str] | None = None
        if journal is not None:
            self._open_journal(journal)

    @property
    def tickets(self) -> dict[str, StandInTicket]:
        """Tickets by their present key, oldest first."""
        with self.lock:
            return {ticket.key: ticket for ticket in self.by_id.values()}

    def next_id(self) -> str:
        """An id that nothing has."""
        self._next += 1
        return str(self._next)

    def find(self, name: str) -> str | None:
        """The id of the ticket with this id, or this key, also one it had before."""
        return name if name in self.by_id else self._ids.get(name.upper())

    def ticket(self, name: str) -> StandInTicket:
        """The ticket with this id or key.

        Raises:
            Refused: 404, there is none.
        """
        found = self.find(name)
        if found is None:
            raise missing()
        return self.by_id[found]

    def project(self, name: str) -> Project | None:
        """The project with this key or id."""
        known = self.projects.values()
        return next((project for project in known if name in (project.key, project.id)), None)

    def issue_type(self, ticket: StandInTicket) -> IssueType:
        """The type of a ticket."""
        types = self.projects[ticket.project].issue_types
        return next(one for one in types if one.name == ticket.issue_type)

    def create(self, project: Project, issue_type: IssueType, fields: Json) -> StandInTicket:
        """Make a ticket."""
        project.count += 1
        status, now = project.workflow.initial, self.clock()
        ticket = StandInTicket(
            id=self.next_id(),
            key=f"{project.key}-{project.count}",
            issue_type=issue_type.name,
            status=status.name,
            category=status.category,
            created=now,
            updated=now,
            fields=fields,
            history=[status.name],
        )
        self.by_id[ticket.id] = ticket
        self._ids[ticket.key] = ticket.id
        return ticket

    def note(self, ticket: StandInTicket) -> None:
        """A ticket was changed: let the search hear of it in its time, and write it down."""
        now = self.clock()
        ticket.updated = now
        self._index.setdefault(ticket.id, []).append((now + self.search_lag, self._row(ticket)))
        self._write({"ticket": asdict(ticket)})

    def keep(self, attachment: str, content: bytes) -> None:
        """Keep what is in an attachment."""
        self.contents[attachment] = content
        self._write({"content": attachment, "bytes": base64.b64encode(content).decode()})

    def record(self, request: Json) -> None:
        """Write a request down."""
        self._write({"request": request})

    def move(self, name: str, project: str) -> StandInTicket:
        """Move a ticket: its id stays, its key is new, and the old key still leads to it."""
        with self.lock:
            ticket, target = self.ticket(name), self.projects[project]
            target.count += 1
            ticket.old_keys.append(ticket.key)
            ticket.key = f"{project}-{target.count}"
            self._ids[ticket.key] = ticket.id
            self._stand(ticket, target.workflow.initial.name, None)
            self.note(ticket)
            return ticket

    def delete(self, name: str) -> None:
        """Delete a ticket; the search may know it a while longer."""
        with self.lock:
            ticket = self.ticket(name)
            del self.by_id[ticket.id]
            for key in (ticket.key, *ticket.old_keys):
                del self._ids[key]
            self._index.setdefault(ticket.id, []).append((self.clock() + self.search_lag, None))
            self._write({"deleted": ticket.id})

    def resolve(self, name: str, resolution: str) -> StandInTicket:
        """Let somebody close a ticket with this resolution."""
        assert resolution in RESOLUTIONS, f"add {resolution} to RESOLUTIONS"
        with self.lock:
            ticket = self.ticket(name)
            statuses = self.projects[ticket.project].workflow.statuses
            done = next(status for status in statuses if status.category is Category.DONE)
            self._stand(ticket, done.name, resolution)
            self.note(ticket)
            return ticket

    def stand(self, ticket: StandInTicket, status: str, resolution: str | None) -> None:
        """Put a ticket into a status, without regard to the workflow."""
        with self.lock:
            self._stand(ticket, status, resolution)
            self.note(ticket)

    def link(self, type_name: str, inward: StandInTicket, outward: StandInTicket) -> None:
        """Link two tickets; the same link again changes nothing."""
        if any((one.type, one.other) == (type_name, outward.id) for one in inward.links):
            return
        identity = self.next_id()
        inward.links.append(StandInLink(identity, type_name, outward.id, inward=False))
        outward.links.append(StandInLink(identity, type_name, inward.id, inward=True))

    def search(self, text: str, fresh: frozenset[str] = frozenset()) -> list[StandInTicket]:
        """The tickets that a query finds, with the lag of the search.

        Args:
            text: JQL.
            fresh: ids of tickets that it must know as they are now.

        Raises:
            Refused: 400, it is no query, or an unbounded one.
        """
        now = self.clock()
        query = jql.parse(text, now)
        if query.test is None and self.kind is JiraKind.CLOUD:
            why = "Unbounded JQL queries are not allowed here. Please add a search restriction."
            raise Refused(400, why)
        rows = [row for row in self._rows(now, fresh) if query.test is None or query.test(row)]
        rows.sort(key=lambda row: float(row["created"]), reverse=True)
        for name, downwards in reversed(query.order):
            rows.sort(key=lambda row: _sortable(row.get(name)), reverse=downwards)
        return [self.by_id[row["id"]] for row in rows if row["id"] in self.by_id]

    def _rows(self, now: float, fresh: frozenset[str]) -> Iterator[dict[str, Any]]:
        for identity, versions in self._index.items():
            if identity in fresh and identity in self.by_id:
                yield self._row(self.by_id[identity])
                continue
            known = [row for at, row in versions if at <= now]
            if known and known[-1] is not None:
                yield known[-1]
            if len(known) > 1:
                del versions[: len(known) - 1]

    def _row(self, ticket: StandInTicket) -> dict[str, Any]:
        description = words(ticket.description)
        parent = ticket.parent or ticket.fields.get(places.EPIC_LINK)
        above = self.by_id.get(str(parent))
        return {
            "id": ticket.id,
            "key": [ticket.key, ticket.id, *ticket.old_keys],
            "project": [ticket.project, *self._project_names(ticket.project)],
            "labels": ticket.labels,
            "statusCategory": ticket.category.value,
            "status": ticket.status,
            "resolution": ticket.resolution,
            "parent": [above.key, above.id] if above else None,
            "issuetype": ticket.issue_type,
            "summary": ticket.summary,
            "description": description,
            "text": [ticket.summary, description, *(words(c.body) for c in ticket.comments)],
            "assignee": ticket.fields.get("assignee"),
            "reporter": places.HEALER.account_id,
            "priority": ticket.fields.get("priority"),
            "component": ticket.fields.get("components"),
            "created": ticket.created,
            "updated": ticket.updated,
        }

    def _project_names(self, key: str) -> tuple[str, ...]:
        project = self.projects[key]
        return (project.id, project.name)

    def _stand(self, ticket: StandInTicket, name: str, resolution: str | None) -> None:
        status = self.projects[ticket.project].workflow.status(name)
        ticket.status, ticket.category = status.name, status.category
        ticket.resolution = resolution
        ticket.history.append(status.name)

    def _open_journal(self, path: Path) -> None:
        if path.exists():
            with path.open(encoding="utf-8") as lines:
                for line in lines:
                    if line.endswith("\n"):  # else it was cut off by a kill
                        self._replay(json.loads(line))
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        if text and not text.endswith("\n"):
            path.write_text(text[: text.rfind("\n") + 1], encoding="utf-8")
        self._journal = path.open("a", encoding="utf-8")

    def _replay(self, line: Json) -> None:
        if "ticket" in line:
            ticket = msgspec.convert(line["ticket"], StandInTicket)
            self.by_id[ticket.id] = ticket
            for key in (ticket.key, *ticket.old_keys):
                self._ids[key] = ticket.id
                project, _, number = key.rpartition("-")
                self.projects[project].count = max(self.projects[project].count, int(number))
            self._index[ticket.id] = [(ticket.updated + self.search_lag, self._row(ticket))]
            inner = [one.id for one in ticket.comments]
            inner += [one.id for one in ticket.attachments] + [one.id for one in ticket.links]
            inner += [str(one.id) for one in ticket.remote_links]
            self._next = max(self._next, int(ticket.id), *map(int, inner))
        elif "content" in line:
            self.contents[line["content"]] = base64.b64decode(line["bytes"])
        elif "deleted" in line and line["deleted"] in self.by_id:
            gone = self.by_id.pop(line["deleted"])
            for key in (gone.key, *gone.old_keys):
                del self._ids[key]
            del self._index[gone.id]

    def _write(self, line: Json) -> None:
        if self._journal is not None:
            # In the hands of the kernel before the answer goes out: a SIGKILL loses nothing.
            self._journal.write(json.dumps(line) + "\n")
            self._journal.flush()

    def close(self) -> None:
        """Close the journal."""
        if self._journal is not None:
            self._journal.close()


def _sortable(value: Any) -> tuple[int, Any]:
    if isinstance(value, list):
        value = value[0] if value else ""
    if isinstance(value, str):
        stem, dash, number = value.rpartition("-")
        return (1, (stem, int(number))) if dash and number.isdigit() else (1, (value, 0))
    return (0, float(value or 0))
