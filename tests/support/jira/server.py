"""The stand-in as an HTTP server."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, unquote, urlsplit

from paramedic_workers.sinks.jira.settings import JiraKind
from tests.support.jira.answers import Answer, Refused
from tests.support.jira.endpoints import Endpoints
from tests.support.jira.faults import Fault, Faults, When
from tests.support.jira.limits import Limits
from tests.support.jira.model import Project, StandInTicket
from tests.support.jira.request import Request
from tests.support.jira.state import JiraState

#: Seconds that a held request waits at most.
_GREATEST_HOLD = 60.0


@dataclass(frozen=True, kw_only=True)
class RequestRecord:
    """A request that came, and what it got."""

    method: str
    path: str
    query: dict[str, list[str]]
    #: Decoded JSON; of anything else, its size in bytes; None: there was none.
    body: Any
    #: 0: the connection was cut.
    status: int
    #: When it came, in seconds since the epoch.
    at: float

    @property
    def writes(self) -> bool:
        """Whether it asked for a change."""
        return self.method != "GET" and not self.path.endswith(("/search", "/search/jql"))


class StandInJira:
    """A Jira that keeps its tickets in memory, at an address of its own.

    Args:
        kind: which Jira it is.
        port: where it listens; 0: anywhere.
        journal: file that keeps its state beyond the process.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        kind: JiraKind = JiraKind.CLOUD,
        port: int = 0,
        journal: Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.kind = kind
        self.state = JiraState(kind, clock, journal)
        self.faults = Faults()
        self.limits = Limits(clock)
        #: Every request, oldest first.
        self.requests: list[RequestRecord] = []
        #: Send `{}` where Jira sends nothing with a status that might have something: prism
        #: reads a body wherever one is allowed.
        self.never_empty = False
        #: Tracebacks of the stand-in's own mistakes.
        self.defects: list[str] = []
        self._port = port
        self._server: _Server | None = None
        self._endpoints: Endpoints | None = None
        self.open()

    @classmethod
    @contextmanager
    def start(
        cls,
        kind: JiraKind = JiraKind.CLOUD,
        *,
        journal: Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> Iterator[StandInJira]:
        """Run one until the block ends."""
        jira = cls(kind, journal=journal, clock=clock)
        try:
            yield jira
        finally:
            jira.shut()
            jira.state.close()
        assert not jira.defects, jira.defects[0]

    @property
    def url(self) -> str:
        """Where it answers, while it is open."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def tickets(self) -> dict[str, StandInTicket]:
        """Its tickets by their present key, oldest first."""
        return self.state.tickets

    @property
    def projects(self) -> dict[str, Project]:
        """Its projects by key; a test may change them."""
        return self.state.projects

    @property
    def search_lag(self) -> float:
        """Seconds that the search lags behind."""
        return self.state.search_lag

    @search_lag.setter
    def search_lag(self, seconds: float) -> None:
        self.state.search_lag = seconds

    @property
    def only_ticket(self) -> StandInTicket:
        """Its ticket, where it has exactly one."""
        (ticket,) = self.tickets.values()
        return ticket

    def content(self, ticket: StandInTicket, name: str) -> bytes:
        """What is in the newest attachment of this name."""
        found = [one for one in ticket.attachments if one.name == name]
        return self.state.contents[found[-1].id]

    def move(self, key: str, project: str) -> StandInTicket:
        """Move a ticket to another project; its old key still leads to it."""
        return self.state.move(key, project)

    def delete(self, key: str) -> None:
        """Delete a ticket."""
        self.state.delete(key)

    def resolve(self, key: str, resolution: str = "Done") -> StandInTicket:
        """Let somebody close a ticket."""
        return self.state.resolve(key, resolution)

    def set_status(self, key: str, status: str) -> None:
        """Let somebody put an open ticket into another status."""
        self.state.stand(self.state.ticket(key), status, None)

    def change(self, key: str, **fields: Any) -> None:
        """Let somebody change fields of a ticket, as they are kept."""
        with self.state.lock:
            ticket = self.state.ticket(key)
            ticket.fields |= fields
            self.state.note(ticket)

    def asked(self, method: str = "", path: str = "") -> list[RequestRecord]:
        """The requests of this method whose path contains this."""
        return [r for r in self.requests if method in ("", r.method) and path in r.path]

    @property
    def writes(self) -> list[RequestRecord]:
        """The requests that asked for a change."""
        return [request for request in self.requests if request.writes]

    def open(self) -> None:
        """Listen, at the same address as before."""
        server = _Server(("127.0.0.1", self._port), self)
        self._port = server.server_address[1]
        self._endpoints = Endpoints(self.state, self.limits, self.url)
        self._server = server
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()

    def shut(self) -> None:
        """Go away: connections are cut, and new ones refused; the tickets stay."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server.cut()
            self._server = None

    @contextmanager
    def down(self) -> Iterator[None]:
        """Be away while the block runs."""
        self.shut()
        try:
            yield
        finally:
            self.open()

    def respond(self, request: Request) -> Answer | None:
        """Answer a request, with the faults that are due; None: cut the connection."""
        at = self.state.clock()
        fault = self.faults.take(request.method, request.path) or Fault()
        answer: Answer | None = None
        if fault.when is When.BEFORE:
            _wait(fault)
            answer = _faulty(fault)
        if answer is None and not (fault.drop and fault.when is When.BEFORE):
            answer = self._act(request)
            if fault.when is When.AFTER:
                _wait(fault)
                answer = _faulty(fault) or answer
        cut = fault.drop or answer is None
        self._record(request, 0 if cut or answer is None else answer.status, at)
        if answer is not None and self.never_empty and answer.status in (200, 201):
            answer = replace(answer, body={} if answer.body is None else answer.body)
        return None if cut else answer

    def _act(self, request: Request) -> Answer:
        assert self._endpoints is not None
        with self.state.lock:
            try:
                return self._endpoints.answer(request)
            except Refused as refused:
                return refused.answer
            except Exception:  # noqa: BLE001 - said by the test that comes upon it
                self.defects.append(traceback.format_exc())
                return Answer(500, {"errorMessages": ["The stand-in broke."], "errors": {}})

    def _record(self, request: Request, status: int, at: float) -> None:
        record = RequestRecord(
            method=request.method,
            path=request.path,
            query=dict(request.query),
            body=_shown_body(request),
            status=status,
            at=at,
        )
        with self.state.lock:
            self.requests.append(record)
            self.state.record(asdict(record))


def _wait(fault: Fault) -> None:
    if fault.delay:
        time.sleep(fault.delay)
    if fault.hold is not None:
        fault.hold.reached.set()
        fault.hold.let_go.wait(_GREATEST_HOLD)


def _faulty(fault: Fault) -> Answer | None:
    if not fault.status:
        return None
    body = {"errorMessages": [fault.message], "errors": {}}
    return Answer(fault.status, body, fault.headers)


def _shown_body(request: Request) -> Any:
    if not request.body:
        return None
    if not request.headers.get("content-type", "").startswith("application/json"):
        return len(request.body)
    try:
        return json.loads(request.body)
    except ValueError:
        return request.body.decode(errors="replace")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], jira: StandInJira) -> None:
        self.jira = jira
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients may go away as they like; anything else is a defect of the stand-in."""

    def cut(self) -> None:
        """Cut all connections."""
        with self._open_lock:
            for connection in self._open:
                _reset(connection)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        request = Request(
            method=self.command,
            path=unquote(parts.path),
            query=parse_qs(parts.query),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self._read_body(),
        )
        answer = cast("_Server", self.server).jira.respond(request)
        if answer is None:
            _reset(self.connection)
            self.close_connection = True
            return
        self._send(answer)

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            chunks = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(chunks)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _send(self, answer: Answer) -> None:
        raw = isinstance(answer.body, bytes)
        body = answer.body if raw else b""
        if answer.body is not None and not raw:
            body = json.dumps(answer.body).encode()
        self.send_response(answer.status)
        # Jira names a type even where it sends nothing.
        kind = "application/octet-stream" if raw else "application/json;charset=UTF-8"
        self.send_header("Content-Type", kind)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(body)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self._headers_buffer: list[bytes]
        self._headers_buffer.extend((b"\r\n", body))  # one packet
        self.flush_headers()

    do_GET = do_POST = do_PUT = do_DELETE = _serve


def _reset(connection: socket.socket) -> None:
    """Cut a connection so that its other end hears of it at once."""
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # its other end was faster
