"""How a status looks on a terminal and in a pipe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from paramedic.text import counted
from paramedic_workers.cli.screen import table
from paramedic_workers.cli.show import words
from paramedic_workers.sinks.report import plain
from paramedic_workers.status.model import LedgerState, Place, Status


def parts(console: Console, status: Status) -> Iterator[RenderableType]:
    """What a person is shown of a status."""
    yield _overview(status)
    yield Text()
    yield _queues(console, status)
    if status.state is not None and status.state.hindrances:
        yield Text()
        yield _hindrances(console, status.state)
    yield Text()
    if not status.problems:
        yield Text("✓ nothing needs you", style="good")
    for problem in status.problems:
        yield Text(f"! {problem}", style="mild")


def _overview(status: Status) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    rows: list[tuple[str, Text]] = [
        ("broker", _place(status.broker)),
        ("ledger", _place(status.ledger)),
        ("workers", _workers(status)),
    ]
    if status.state is not None:
        rows += _ledger_rows(status.state)
    rows.append(("spool", _spool(status)))
    rows.append(("disk", Text(f"{_bytes(status.disk_free)} free")))
    for name, text in rows:
        grid.add_row(Text(name, style="soft"), text)
    return grid


def _ledger_rows(state: LedgerState) -> list[tuple[str, Text]]:
    memory = f"{_bytes(state.memory.used)} used"
    if state.memory.most:
        memory += f" of {_bytes(state.memory.most)} ({state.memory.policy})"
    incidents = f"{state.incidents:,}, {state.waiting:,} waiting, {state.healing:,} being healed"
    return [
        ("incidents", Text(incidents)),
        ("undelivered", _counts(state.undelivered, "none")),
        ("dead letters", _letters(state)),
        ("memory", Text(memory)),
    ]


def _place(place: Place) -> Text:
    if place.reachable:
        return Text.assemble(("● ", "good"), place.url)
    return Text.assemble(("✗ ", "bad"), place.url, (f"  {place.problem}", "bad"))


def _workers(status: Status) -> Text:
    if status.workers is None:
        return Text("nobody could be asked", style="soft")
    if not status.workers:
        return Text("none answers", style="bad")
    return Text(f"{len(status.workers)} answering: {', '.join(status.workers)}")


def _letters(state: LedgerState) -> Text:
    letters = state.dead_letters
    text = _counts(letters.by_reason, "none")
    if letters.waiting:
        text = Text.assemble((f"{letters.waiting:,}", "bold"), f" of {letters.limit:,}: ", text)
    if letters.replayed:
        text.append(f"; {letters.replayed:,} replayed", style="soft")
    if letters.discarded:
        text.append(f"; {letters.discarded:,} discarded", style="bad")
    return text


def _counts(counts: dict[str, int], nothing: str) -> Text:
    found = [f"{number:,} {words(name)}" for name, number in counts.items() if number]
    return Text(", ".join(found)) if found else Text(nothing, style="soft")


def _spool(status: Status) -> Text:
    spool = status.spool
    if not (spool.batches or spool.broken):
        return Text("empty", style="soft")
    broken = f", {spool.broken} unreadable" if spool.broken else ""
    return Text(f"{counted(spool.batches, 'batch', 'batches')}{broken}, {_bytes(spool.size)}")


def _queues(console: Console, status: Status) -> RenderableType:
    columns = ("queue", "messages", "waiting", "oldest", "read by")
    shown = table(console, *columns, right=("messages", "waiting", "oldest"), whole=("queue",))
    for queue in status.queues:
        number = len(queue.workers)
        unread = not number and (queue.messages or queue.waiting) and status.workers is not None
        shown.add_row(
            queue.name,
            "?" if queue.messages is None else f"{queue.messages:,}",
            f"{queue.waiting:,}",
            "–" if queue.oldest is None else duration(queue.oldest),
            Text("nobody", style="bad") if unread else Text(", ".join(queue.workers) or "–"),
        )
    return shown


def _hindrances(console: Console, state: LedgerState) -> RenderableType:
    shown = table(console, "switched off", "target", "until", "why", whole=("until",))
    for one in state.hindrances:
        shown.add_row(
            Text(one.kind, style="mild"), one.target, _moment(one.until), Text(plain(one.why))
        )
    return shown


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else "–"


def duration(seconds: float) -> str:
    """Seconds in the unit that suits them: `40 s`, `12 min`, `3 h`, `2 d`."""
    units: Sequence[tuple[str, int]] = (("d", 86_400), ("h", 3_600), ("min", 60))
    for unit, length in units:
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def _bytes(number: int) -> str:
    for unit, size in (("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024)):
        if number >= size:
            return f"{number / size:.1f} {unit}"
    return f"{number} B"
