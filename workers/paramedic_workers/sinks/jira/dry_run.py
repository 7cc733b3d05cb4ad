"""A dry run: nothing is sent to Jira, and everybody can see what would be.

`dry_run_transport` takes the place of the network. It answers as a Jira does in which all
goes well, keeps each ticket in the folder of its incident, and notes every request that would
change something:

    reports/
      <incident>/jira.json    the ticket, and the requests in order
      <incident>/jira.html    the ticket as it would look
      .jira/<number>          whose folder has the ticket with this number

`about` says which incident the requests are for; only what makes a ticket must know it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import httpx
import msgspec
import structlog
from jinja2 import TemplateError

from paramedic.event import now
from paramedic_workers.settings import FileSinkSettings, Settings
from paramedic_workers.sinks.file import FileSink
from paramedic_workers.sinks.folders import locked, write_whole
from paramedic_workers.sinks.jira.dry_answers import Json, created_issue, standing_answer
from paramedic_workers.sinks.jira.dry_changes import body_of, change, noted, shown, told
from paramedic_workers.sinks.jira.dry_page import render_ticket
from paramedic_workers.sinks.jira.dry_ticket import (
    PAGE,
    DryTicket,
    SentRequest,
    read_dry_ticket,
    write_dry_ticket,
)
from paramedic_workers.sinks.jira.settings import JiraSettings

#: The number of the first ticket is 1, its id this and one.
_FIRST_ID: Final = 10_000
_API: Final = re.compile(r"/rest/api/[23](/.*)$")
#: Folder of what is about no incident, and of the numbers of tickets.
_NUMBERS: Final = ".jira"
_log = structlog.get_logger(__name__)


@dataclass
class _Subject:
    """What requests are about, and whose pages they have made old."""

    incident: str
    changed: dict[Path, FileSink] = field(default_factory=dict)


_subject: ContextVar[_Subject | None] = ContextVar("paramedic_dry_run", default=None)


@contextmanager
def about(incident: str) -> Iterator[None]:
    """Say for whom the requests of this block are; afterwards their pages are written again.

    Costs nothing where it is no dry run.

    Args:
        incident: an incident's fingerprint, or another name for what gets a ticket.
    """
    subject = _Subject(incident)
    token = _subject.set(subject)
    try:
        yield
    finally:
        _subject.reset(token)
        for folder, reports in subject.changed.items():
            _show(folder, reports)


def dry_run_transport(
    jira: JiraSettings, settings: Settings, clock: Callable[[], datetime] = now
) -> httpx.BaseTransport:
    """What takes the place of the network in a dry run.

    Args:
        jira: the settings of the sink.
        settings: they say where reports are.
        clock: the time.
    """
    table = settings.sinks.get("file", {})
    own = msgspec.convert({"directory": table.get("directory", "")}, FileSinkSettings)
    return DryRun(jira, FileSink.open(own, settings.data_directory()), clock)


class DryRun(httpx.BaseTransport):
    """A Jira in which all goes well, in the folder of the reports."""

    def __init__(
        self, settings: JiraSettings, reports: FileSink, clock: Callable[[], datetime] = now
    ) -> None:
        """Keep the tickets beside these reports."""
        self._settings = settings
        self._reports = reports
        self._clock = clock

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer; what would change something is noted.

        Raises:
            httpx.ConnectError: the folder of the reports cannot be written.
        """
        request.read()
        try:
            return self._answer(request)
        except OSError as error:
            raise httpx.ConnectError(f"the dry run cannot be written: {error}") from error

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = _path(request)
        if request.method == "GET":
            return self._read(request, path)
        match path.strip("/").split("/"):
            case ["search", *new]:
                return _json({"issues": [], **({"isLast": True} if new else {"maxResults": 50})})
            case ["issue"]:
                return self._create(request)
            case ["issueLink"]:
                key = body_of(request)["inwardIssue"]["key"]
                return self._write(request, key, ["issueLink"])
            case ["issue", key, *rest]:
                return self._write(request, unquote(key), rest)
        return _unknown(path)

    def _read(self, request: httpx.Request, path: str) -> httpx.Response:
        standing = standing_answer(self._settings, path, request.url.params)
        if standing is not None:
            return _json(standing)
        match path.strip("/").split("/"):
            case ["issue", key, *rest]:
                ticket = self._ticket(unquote(key))
                answer = told(ticket, rest) if ticket is not None else None
                return _json(answer) if answer is not None else _unknown(path)
        return _unknown(path)

    def _create(self, request: httpx.Request) -> httpx.Response:
        subject = _subject.get()
        name = subject.incident if subject is not None else _NUMBERS
        folder = self._reports.folder(name) if subject is not None else self._numbers()
        folder.mkdir(parents=True, exist_ok=True)
        body = body_of(request)
        at = self._at()
        with locked(folder):
            number = self._next_number(folder)
            project = body["fields"].get("project", {})
            ticket = DryTicket(
                about=name,
                key=f"{project.get('key') or 'DRY'}-{number}",
                id=str(_FIRST_ID + number),
                fields=created_issue(body["fields"], at),
                properties=noted(body),
            )
            ticket.note(self._sent(request))
            self._keep(folder, ticket)
        return _json({"id": ticket.id, "key": ticket.key, "self": ""}, status=201)

    def _write(self, request: httpx.Request, key: str, rest: list[str]) -> httpx.Response:
        folder = self._folder(key)
        if folder is None:
            return _unknown(request.url.path)
        with locked(folder):
            ticket = read_dry_ticket(folder)
            if ticket is None or key not in (ticket.key, ticket.id):
                return _unknown(request.url.path)
            status, answer = change(ticket, request, rest, self._at())
            ticket.note(self._sent(request))
            self._keep(folder, ticket)
        return _json(answer, status) if answer is not None else httpx.Response(status)

    def _keep(self, folder: Path, ticket: DryTicket) -> None:
        write_dry_ticket(folder, ticket)
        subject = _subject.get()
        if subject is not None:
            subject.changed[folder] = self._reports

    def _sent(self, request: httpx.Request) -> SentRequest:
        return SentRequest(
            at=self._clock(),
            method=request.method,
            path=request.url.raw_path.decode("ascii", "replace"),
            body=shown(request),
        )

    def _at(self) -> str:
        """The moment as Jira writes it."""
        return f"{self._clock().astimezone(UTC):%Y-%m-%dT%H:%M:%S.000+0000}"

    def _ticket(self, key: str) -> DryTicket | None:
        folder = self._folder(key)
        ticket = read_dry_ticket(folder) if folder is not None else None
        return ticket if ticket is not None and key in (ticket.key, ticket.id) else None

    def _folder(self, key: str) -> Path | None:
        """The folder that has the ticket with this key or id; None where there is none."""
        digits = key.rpartition("-")[2]
        if not re.fullmatch(r"[0-9]{1,12}", digits):
            return None
        number = int(digits) - (_FIRST_ID if "-" not in key else 0)
        try:
            name = (self._numbers() / str(number)).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        folder = self._reports.directory / name
        return folder if folder.is_dir() else None

    def _numbers(self) -> Path:
        return self._reports.directory / _NUMBERS

    def _next_number(self, folder: Path) -> int:
        numbers = self._numbers()
        numbers.mkdir(parents=True, exist_ok=True)
        number = sum(1 for _ in numbers.iterdir()) + 1
        while True:
            try:
                with (numbers / str(number)).open("x", encoding="utf-8") as file:
                    file.write(folder.name)
                return number
            except FileExistsError:
                number += 1


def _show(folder: Path, reports: FileSink) -> None:
    """Write the pages of a folder again; a page that cannot be written harms nothing else."""
    try:
        ticket = read_dry_ticket(folder)
        if ticket is not None:
            write_whole(folder / PAGE, render_ticket(ticket))
            reports.show_again(folder.name)
    except (OSError, TemplateError) as error:
        _log.warning("the page of a dry run cannot be written", folder=folder.name, error=error)


def _path(request: httpx.Request) -> str:
    """The path below the interface, still quoted; the whole one where it is none of that."""
    path = request.url.raw_path.decode("ascii", "replace").partition("?")[0]
    found = _API.search(path)
    return found[1] if found else path


def _json(value: Json, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json=value)


def _unknown(path: str) -> httpx.Response:
    return httpx.Response(404, json={"errorMessages": [f"The dry run has no {path}."]})
