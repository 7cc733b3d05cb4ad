"""An HTTP server of files that fails at first, as real ones do now and then."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass
class FlakyServer:
    """What the server is told and what it saw; may be changed while it runs."""

    #: Requests that are yet to fail.
    failures: int = 0
    #: How they fail.
    status: int = 503
    url: str = ""
    #: Paths of all requests.
    asked: list[str] = field(default_factory=list)


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, state: FlakyServer, *arguments: object, directory: str) -> None:
        self.state = state
        super().__init__(*arguments, directory=directory)  # type: ignore[arg-type] # as given

    def do_GET(self) -> None:
        self.state.asked.append(self.path)
        if self.state.failures > 0:
            self.state.failures -= 1
            self.send_error(self.state.status)
            return
        super().do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def flaky_server(folder: Path, failures: int = 0) -> Iterator[FlakyServer]:
    """Serve a folder on the loopback until the block ends; the first requests fail."""
    state = FlakyServer(failures=failures)
    handler = functools.partial(_Handler, state, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        state.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()
