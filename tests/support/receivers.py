"""Servers that receive what sinks send: one of HTTP, one of mail, both on loopback."""

from __future__ import annotations

import email
import email.policy
import socketserver
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Received:
    """One request."""

    path: str
    #: Names in small letters.
    headers: Mapping[str, str]
    body: bytes


@dataclass
class HttpReceiver:
    """Takes every POST, and answers what it is told to, else 204."""

    url: str
    requests: list[Received] = field(default_factory=list)
    #: Status and headers of the next answers.
    answers: deque[tuple[int, Mapping[str, str]]] = field(default_factory=deque)


@contextmanager
def http_receiver() -> Iterator[HttpReceiver]:
    """Serve until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.requests.append(Received(self.path, headers, body))
            status, more = receiver.answers.popleft() if receiver.answers else (204, {})
            self.send_response(status)
            for name, value in {"content-length": "0", **more}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver = HttpReceiver(f"http://127.0.0.1:{server.server_address[1]}")
        with _serving(server):
            yield receiver


@dataclass
class MailReceiver:
    """Takes every mail."""

    port: int
    mails: list[EmailMessage] = field(default_factory=list)


@contextmanager
def mail_receiver() -> Iterator[MailReceiver]:
    """Serve until the block ends: as much of SMTP (RFC 5321) as a client needs to deliver."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 mail.shop.example\r\n")
            for line in self.rfile:
                verb = line[:4].upper()
                if verb == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    self.take_mail()
                self.wfile.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
                if verb == b"QUIT":
                    return

        def take_mail(self) -> None:
            lines = iter(self.rfile.readline, b".\r\n")
            text = b"".join(line.removeprefix(b".") for line in lines)
            receiver.mails.append(email.message_from_bytes(text, policy=email.policy.default))

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        receiver = MailReceiver(server.server_address[1])
        with _serving(server):
            yield receiver


@contextmanager
def _serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
