"""What of a status needs a person, each in one sentence with what to do."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.text import counted
from paramedic_workers.dead_letters.store import NEARLY_FULL
from paramedic_workers.resilience.storage import want_of_disk
from paramedic_workers.settings import Settings
from paramedic_workers.status.model import LedgerState, Status

#: Seconds after which what waits is overdue: far longer than a sweep or a retry of a message.
OVERDUE_SECONDS = 900.0
#: Share of `maxmemory` from which on memory is short.
MEMORY_SHORT = 0.9


def problems_of(status: Status, settings: Settings) -> Iterator[str]:
    """What needs a person, the worst first."""
    for name, place in (("broker", status.broker), ("ledger", status.ledger)):
        if not place.reachable:
            yield f"The {name} at {place.url} does not answer: {place.problem.rstrip('.')}."
    yield from _unread_queues(status)
    if status.state is not None:
        yield from _ledger_problems(status.state)
    if want := want_of_disk(settings.data_directory(), settings.min_free_disk):
        yield f"No heal begins here: {want}."
    if status.spool.batches and status.broker.reachable:
        yield (
            f"{counted(status.spool.batches, 'batch waits', 'batches wait')} in this machine's "
            "spool: the next producer that publishes sends them, as `paramedic emit` does."
        )


def _unread_queues(status: Status) -> Iterator[str]:
    """Queues in which something waits that nobody reads, or for too long."""
    for queue in status.queues:
        if not (queue.messages or queue.waiting) or status.workers is None:
            continue
        if not queue.workers:
            yield f"Something waits in {queue.name}, and no worker that answers reads it."
        elif queue.oldest is not None and queue.oldest > OVERDUE_SECONDS:
            waits = f"{queue.oldest / 60:.0f} minutes"
            yield f"Something has waited behind {queue.name} for {waits}: see its workers' logs."


def _resting_sinks(state: LedgerState) -> Iterator[str]:
    for rest in state.resting:
        waiting = counted(rest.waiting, "result waits", "results wait")
        why = " ".join(rest.why.split()).rstrip(".")
        yield (
            f"The sink {rest.sink} has taken nothing since {rest.since:%Y-%m-%d %H:%M:%S} UTC, and "
            f"{waiting} for it: {why}. It is asked again at {rest.until:%H:%M:%S}; nothing is lost."
        )


def _ledger_problems(state: LedgerState) -> Iterator[str]:
    yield from _resting_sinks(state)
    letters, memory = state.dead_letters, state.memory
    for pattern in state.patterns:
        off = f"; the strategy {pattern.strategy} is switched off" if pattern.strategy else ""
        yield (
            f"The healer itself fails in the same way in {pattern.incidents} incidents "
            f"({pattern.what}){off}: paramedic systemic show {pattern.id[:8]}."
        )
    if letters.waiting:
        told = counted(letters.waiting, "dead letter waits", "dead letters wait")
        yield f"{told} to be replayed or dropped: paramedic dead-letters list."
    if letters.waiting + letters.replayed >= letters.limit * NEARLY_FULL:
        yield (
            f"{letters.waiting + letters.replayed:,} dead letters are kept; at {letters.limit:,} "
            "the oldest are discarded: replay or drop some."
        )
    if letters.expiring:
        told = counted(letters.expiring, "dead letter is", "dead letters are")
        yield f"{told} discarded within a day, as too old: replay or drop them."
    if letters.discarded:
        told = counted(letters.discarded, "dead letter was", "dead letters were")
        yield f"{told} discarded at a bound before anybody dealt with them."
    if memory.most and memory.used >= memory.most * MEMORY_SHORT:
        share = 100 * memory.used / memory.most
        yield f"The ledger's Redis has used {share:.0f} % of its maxmemory: give it more."
    if memory.most and memory.policy != "noeviction":
        yield (
            f"The ledger's Redis evicts what it holds when it is full ({memory.policy}): set "
            "maxmemory-policy noeviction."
        )
    if not memory.persistent:
        yield "The ledger's Redis writes no append-only file: a restart loses all (appendonly yes)."
