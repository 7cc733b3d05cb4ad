"""A real RabbitMQ of the tests' own: Debian's package, without systemd, as any user.

Starting one takes 7 s, so the processes of one test run share one (`shared_rabbitmq`),
each with a virtual host of its own. Nothing outlives the tests, however they end.
"""

# amqp is not typed.
# mypy: disable-error-code="no-untyped-call, import-untyped"

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from amqp import Connection

from paramedic_workers.processes import dying_with_parent
from tests.support.waiting import wait_for

#: Where packages put the scripts of the server.
_SCRIPTS = ("/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin", "/opt/rabbitmq/sbin")
#: Seconds that a quiet machine may take to start one.
_START_SECONDS = 60
#: A server of tests takes no more than it needs: one scheduler, which never spins.
_LEAN = "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none"
_LOGIN = "guest"


def scripts() -> Path | None:
    """The folder with `rabbitmq-server` and `rabbitmqctl`, or None where they are missing."""
    for pattern in _SCRIPTS:
        for folder in sorted(Path("/").glob(pattern.removeprefix("/")), reverse=True):
            if (folder / "rabbitmq-server").is_file() and shutil.which("epmd"):
                return folder
    return None


@dataclass(kw_only=True)
class RabbitMQ:
    """A server, on loopback, in a folder of its own."""

    folder: Path
    port: int
    #: Of Erlang's own traffic, and of its name service.
    node_port: int
    names_port: int
    server: subprocess.Popen[bytes] | None = None
    _names: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def url(self, vhost: str) -> str:
        """The kombu URL of one of its virtual hosts."""
        return f"amqp://{_LOGIN}:{_LOGIN}@127.0.0.1:{self.port}/{vhost}"

    def start(self) -> None:
        """Start it, with all that it held before, and wait until it takes connections."""
        folder = scripts()
        assert folder is not None, "RabbitMQ is not installed"
        if self._names is None:
            epmd = [str(shutil.which("epmd")), "-port", str(self.names_port)]
            self._names = self._spawn([*epmd, "-address", "127.0.0.1"])
        self.server = self._spawn([str(folder / "rabbitmq-server")])
        wait_for("RabbitMQ", self._answers, _START_SECONDS)

    def kill(self) -> None:
        """SIGKILL the server, in the middle of whatever it does."""
        if self.server is not None:
            self.server.kill()
            self.server.wait()

    def close(self) -> None:
        """Kill the server and what it needed."""
        self.kill()
        if self._names is not None:
            self._names.kill()
            self._names.wait()

    def control(self, *arguments: str) -> str:
        """What `rabbitmqctl` prints for these arguments; takes about a second."""
        folder = scripts()
        assert folder is not None, "RabbitMQ is not installed"
        command = [str(folder / "rabbitmqctl"), "--quiet", *arguments]
        done = subprocess.run(
            command,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    def _spawn(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        with (self.folder / "output").open("ab") as output:
            return subprocess.Popen(
                dying_with_parent(command, signal.SIGKILL),
                env=self._environment(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def _environment(self) -> dict[str, str]:
        own = str(self.folder)
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "HOME": own,
            "RABBITMQ_NODENAME": f"paramedic{self.port}@localhost",
            "RABBITMQ_CONFIG_FILE": f"{own}/rabbitmq.conf",
            "RABBITMQ_MNESIA_BASE": f"{own}/mnesia",
            "RABBITMQ_LOG_BASE": f"{own}/log",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{own}/enabled_plugins",
            "RABBITMQ_DIST_PORT": str(self.node_port),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": _LEAN,
            "ERL_EPMD_PORT": str(self.names_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            # Its script then becomes the server, instead of watching it.
            "RUNNING_UNDER_SYSTEMD": "1",
        }

    def _answers(self) -> bool:
        assert self.server is not None
        if self.server.poll() is not None:
            raise RuntimeError(f"RabbitMQ ended: {(self.folder / 'output').read_text()[-2000:]}")
        try:
            with connected(self.url("main"), timeout=5):
                return True
        except OSError:
            return False


@contextmanager
def connected(url: str, timeout: float = 30) -> Iterator[Connection]:
    """A plain AMQP connection to a virtual host, closed at the end of the block."""
    where, _, vhost = url.rpartition("/")
    connection = Connection(
        host=where.rpartition("@")[2],
        userid=_LOGIN,
        password=_LOGIN,
        virtual_host=vhost,
        connect_timeout=timeout,
        read_timeout=timeout,
        write_timeout=timeout,
        confirm_publish=True,
    )
    try:
        connection.connect()
        yield connection
    finally:
        with contextlib.suppress(OSError):
            connection.close()


@contextmanager
def private_rabbitmq(vhosts: Sequence[str] = ()) -> Iterator[RabbitMQ]:
    """Run a server until the block ends.

    Args:
        vhosts: its virtual hosts, besides `main`.
    """
    with tempfile.TemporaryDirectory(prefix="rabbitmq-", ignore_cleanup_errors=True) as folder:
        ports = _free_ports(3)
        server = RabbitMQ(
            folder=Path(folder), port=ports[0], node_port=ports[1], names_port=ports[2]
        )
        _configure(server, ["main", *vhosts])
        try:
            server.start()
            yield server
        finally:
            server.close()


def _configure(server: RabbitMQ, vhosts: Sequence[str]) -> None:
    definitions = server.folder / "definitions.json"
    lines = [
        f"listeners.tcp.1 = 127.0.0.1:{server.port}",
        f"load_definitions = {definitions}",
        "disk_free_limit.absolute = 1MB",
        "log.file.level = warning",
    ]
    (server.folder / "rabbitmq.conf").write_text("\n".join(lines) + "\n")
    (server.folder / "enabled_plugins").write_text("[].\n")
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    content = {
        "users": [{"name": _LOGIN, "password": _LOGIN, "tags": "administrator"}],
        "vhosts": [{"name": name} for name in vhosts],
        "permissions": [{"user": _LOGIN, "vhost": name, **everything} for name in vhosts],
    }
    definitions.write_text(json.dumps(content))


def _free_ports(number: int) -> list[int]:
    with contextlib.ExitStack() as opened:
        sockets = [opened.enter_context(socket.socket()) for _ in range(number)]
        for probe in sockets:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in sockets]


@contextmanager
def shared_rabbitmq(folder: Path, vhosts: Sequence[str]) -> Iterator[RabbitMQ]:
    """The one server of a test run, started by the process that needs it first.

    It runs in a keeper, a process of its own, until nobody uses it any more: each user
    holds a lock, which goes with its process.

    Args:
        folder: where the processes of the run find each other.
        vhosts: those of all processes.
    """
    with (folder / "rabbitmq.users").open("w") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        with (folder / "rabbitmq.starting").open("w") as starting:
            fcntl.flock(starting, fcntl.LOCK_EX)
            address = folder / "rabbitmq.json"
            if not address.exists():
                _start_keeper(folder, vhosts)
        ports = json.loads(address.read_text())
        yield RabbitMQ(folder=Path(ports.pop("folder")), **ports)


def _start_keeper(folder: Path, vhosts: Sequence[str]) -> None:
    """Start the keeper as nobody's child: it may outlast the process that starts it."""
    keeper = [sys.executable, "-m", "tests.support.rabbitmq", str(folder), *vhosts]
    with (folder / "rabbitmq.log").open("wb") as log:
        subprocess.run(
            ["setsid", "--fork", *keeper],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            check=True,
        )

    def started() -> bool:
        said = (folder / "rabbitmq.log").read_text()
        if "Error" in said:
            raise RuntimeError(f"the shared RabbitMQ cannot be started: {said}")
        return (folder / "rabbitmq.json").exists()

    wait_for("the shared RabbitMQ", started, _START_SECONDS + 10)


def _keep(folder: Path, vhosts: Sequence[str]) -> None:
    """Run the server until its last user has gone."""
    address = folder / "rabbitmq.json"
    with private_rabbitmq(vhosts) as server, (folder / "rabbitmq.users").open("a") as users:
        facts = {name: getattr(server, name) for name in ("port", "node_port", "names_port")}
        draft = folder / "rabbitmq.json.new"
        draft.write_text(json.dumps({**facts, "folder": str(server.folder)}))
        draft.replace(address)
        fcntl.flock(users, fcntl.LOCK_EX)
        # Whoever comes now waits for this lock, and then starts another server.
        address.unlink(missing_ok=True)


if __name__ == "__main__":
    _keep(Path(sys.argv[1]), sys.argv[2:])
