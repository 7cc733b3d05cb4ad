"""`paramedic up`: broker, workers and beat on this machine, until Ctrl-C.

The supervisor does the work; this module says what runs where, and shows incidents as
they change.
"""

from __future__ import annotations

import os
import shlex
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from paramedic.location import data_directory

if TYPE_CHECKING:
    from rich.console import Console

    from paramedic_workers.incidents import IncidentRecord
    from paramedic_workers.settings import Settings
    from paramedic_workers.supervisor import Supervisor

#: Incidents in the live table, the last seen: it has to fit a terminal.
SHOWN = 15


@click.command(
    epilog="""\b
Examples:
  paramedic up                                 with ./paramedic.toml, or the defaults
  paramedic up --heal-workers 2 --concurrency 4
  PARAMEDIC_BROKER_URL=redis://broker:6379/0 paramedic up
"""
)
@click.option(
    "--file",
    "path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="This settings file, in place of the one that applies.",
)
@click.option(
    "--heal-workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    metavar="N",
    help="Heal workers, each a process with a pool of its own.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(1, 64),
    default=2,
    show_default=True,
    metavar="N",
    help="Heals that each of them may run at once.",
)
def command(*, path: Path | None, heal_workers: int, concurrency: int) -> None:
    """Run broker, workers and beat in the foreground; Ctrl-C stops all of it cleanly.

    Without a configured broker, the bundled one runs on the data directory, and finds
    everything again at the next start. With RabbitMQ as the broker, it holds the ledger,
    unless PARAMEDIC_STATE_URL names a Redis for that.
    """
    from paramedic_workers import settings_file
    from paramedic_workers.cli.logs import quiet_logs
    from paramedic_workers.cli.screen import output
    from paramedic_workers.connections import demand_places
    from paramedic_workers.sinks import check_sinks
    from paramedic_workers.sinks.tables import settings_error
    from paramedic_workers.supervisor import Supervisor

    settings = settings_file.load(path)
    if problems := check_sinks(settings):
        raise settings_error(problems)
    demand_places(settings)
    quiet_logs(settings)
    console = output()
    supervisor = Supervisor(
        settings=settings, heal_workers=heal_workers, heal_concurrency=concurrency
    )
    if console.is_terminal:
        console.print("starting …", style="soft")
    with _status(console, supervisor) as show:
        supervisor.run(on_ready=show.start)
    console.print("stopped; nothing runs any more")


@contextmanager
def _status(console: Console, supervisor: Supervisor) -> Iterator[_Status]:
    status = _Status(console, supervisor)
    try:
        yield status
    finally:
        status.stop()


class _Status:
    """The banner, then the incidents as they change, in a thread of its own."""

    def __init__(self, console: Console, supervisor: Supervisor) -> None:
        self._console = console
        self._supervisor = supervisor
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="status", daemon=True)

    def start(self) -> None:
        """Show the banner, and begin to watch."""
        self._console.print(banner(self._supervisor))
        self._thread.start()

    def stop(self) -> None:
        """Leave the terminal as it was."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        import redis

        # The server may be gone for a moment, or for good when all of it stops.
        while not self._stopping.is_set():
            try:
                self._watch_ledger()
            except redis.RedisError:
                self._stopping.wait(0.5)
            except BrokenPipeError:  # whoever read along has left; the workers go on
                return

    def _watch_ledger(self) -> None:
        from paramedic_workers.cli.board import Watch, board_with_tally
        from paramedic_workers.connections import state_client
        from paramedic_workers.incidents import Ledger

        with state_client(self._supervisor.ledger_url, retries=0) as client:
            ledger = Ledger(client)
            watch = Watch(self._console, lambda seen: board_with_tally(self._console, seen))
            watch.until(lambda: ledger.incidents(SHOWN), self._done)

    def _done(self, _records: Sequence[IncidentRecord]) -> bool:
        return self._stopping.is_set()


def banner(supervisor: Supervisor) -> str:
    """What runs, where it keeps its things, and how to use it; with rich's markup."""
    from rich.markup import escape

    from paramedic_workers.connections import without_password

    settings = supervisor.settings
    data = settings.data_directory()
    kind = "configured" if settings.broker_url else "bundled"
    targets = ", ".join(settings.targets)
    example = next(iter(settings.targets), "TARGET")
    ledger = (
        f", ledger at {without_password(supervisor.ledger_url)}"
        if supervisor.ledger_url != supervisor.broker_url
        else ""
    )
    facts = {
        "broker": f"{without_password(supervisor.broker_url)} ({kind}){ledger}",
        "data": str(data),
        "targets": targets or "none: name one in paramedic.toml, else events are refused",
        "workers": ", ".join(child.role.name for child in supervisor.children),
        "logs": f"{data / 'logs'}/*.log",
        "reports": _reports(settings),
        "emit": f"{_where(settings)}pytest --paramedic-target {example}",
        "": f"paramedic emit --target {example} --test NODEID",
        "watch": "paramedic incidents --watch",
    }
    lines = [f"  [soft]{name:8}[/] {escape(value)}" for name, value in facts.items()]
    return "\n".join(["[good]●[/] [bold]Paramedic runs[/]; Ctrl-C stops all of it", *lines, ""])


def _where(settings: Settings) -> str:
    """What a producer must be told to find the broker, which does not read our settings file."""
    if settings.broker_url:
        return "" if os.environ.get("PARAMEDIC_BROKER_URL") else "PARAMEDIC_BROKER_URL=… "
    data = settings.data_directory()
    return "" if data == data_directory() else f"PARAMEDIC_DATA={shlex.quote(str(data))} "


def _reports(settings: Settings) -> str:
    if "file" not in settings.sinks:
        return "none: the file sink is off"
    directory = settings.sinks["file"].get("directory") or settings.data_directory() / "reports"
    return str(Path(str(directory)) / "index.html")
