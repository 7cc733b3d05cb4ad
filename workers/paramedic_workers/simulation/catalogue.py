"""The catalogue: every failure condition, and what was promised of it.

To add one, add an entry. `promises.ALWAYS` holds for each of them besides: one result for
each incident, delivered once in effect, with cause and subject; repository unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from paramedic_workers.dead_letters.model import Reason
from paramedic_workers.errors import Verdict
from paramedic_workers.simulation import acting, publishing
from paramedic_workers.simulation.faults import ALWAYS, Fault, Kind, Place
from paramedic_workers.simulation.model import Condition, Turn
from paramedic_workers.simulation.promises import (
    HEALED,
    OUT_OF_TIME,
    acted,
    counted,
    ends,
    failed,
    heals_at_most,
    incidents,
    letter,
    letter_names,
    says,
    struck,
    tickets,
)

PHASES = (
    Place.PREPARE,
    Place.REPRODUCE,
    Place.DIAGNOSE,
    Place.REPAIR,
    Place.VERIFY,
    Place.PUBLISH,
)
_DAY = timedelta(days=1)
_TEN_THOUSAND = 10_000


def raises(exception: str, place: Place, times: int = ALWAYS) -> tuple[Fault, ...]:
    """The healer raises this exception there."""
    return (Fault(kind=Kind.RAISE, place=place, exception=exception, times=times),)


def one(kind: Kind, place: Place, times: int = 1) -> tuple[Fault, ...]:
    """One fault."""
    return (Fault(kind=kind, place=place, times=times),)


def _the_seven() -> Iterator[Condition]:
    """The seven tickets of one night: why Paramedic exists."""
    yield Condition(
        name="md-3050",
        title="MD-3050 to 3053, 3055, 3056: the healer raises without a message, six times",
        faults=raises("Exception", Place.PREPARE),
        publish=publishing.failures(6),
        promise=(incidents(6), tickets(1), *failed("Exception", Place.PREPARE)),
    )
    yield Condition(
        name="md-3050-outside",
        title="the same, outside of every phase",
        faults=raises("Exception", Place.OUTSIDE),
        publish=publishing.failures(6),
        promise=(incidents(6), tickets(1), *failed("Exception", Place.PREPARE)),
    )
    yield Condition(
        name="md-3049",
        title="MD-3049: an AssertionError inside the healer",
        faults=raises("AssertionError", Place.DIAGNOSE),
        promise=(tickets(1), *failed("AssertionError", Place.DIAGNOSE)),
    )


def _waiting() -> Iterator[Condition]:
    """Begun first: they wait for time limits, and need hardly anything else."""
    yield Condition(
        name="hang-always",
        title="every heal hangs",
        faults=one(Kind.HANG, Place.REPRODUCE, ALWAYS),
        promise=(ends(Verdict.FAILED), letter(Reason.TIMEOUT), struck(3)),
        turn=Turn.WAITING,
    )
    for place in PHASES:
        if place is not Place.REPAIR:
            yield Condition(
                name=f"hang-in-{place}",
                title=f"a heal hangs in {place}: its time limit ends it, the next one heals",
                faults=one(Kind.HANG, place),
                promise=(*HEALED, heals_at_most(3)),
                turn=Turn.WAITING,
            )
    yield Condition(
        name="hang-in-repair",
        title="a strategy hangs: it is given up at its deadline",
        faults=one(Kind.HANG, Place.REPAIR, ALWAYS),
        promise=(ends(Verdict.UNHEALED), OUT_OF_TIME),
        turn=Turn.WAITING,
    )
    yield Condition(
        name="lease-lost",
        title="a healer is frozen beyond its lease, and wakes up when another has healed",
        faults=one(Kind.FREEZE, Place.REPAIR),
        promise=HEALED,
        turn=Turn.WAITING,
    )
    yield Condition(
        name="sink-down",
        title="the sink is down while everything is healed, then back",
        faults=raises("DeliveryError", Place.DELIVER, 4),
        promise=(*HEALED, acted(1)),
        turn=Turn.WAITING,
    )


def _exceptions() -> Iterator[Condition]:
    for place in PHASES:
        yield Condition(
            name=f"exception-in-{place}",
            title=f"an exception in {place}",
            faults=raises("RuntimeError", place),
            promise=failed("RuntimeError", place),
        )
    for exception, place in (
        ("KeyboardInterrupt", Place.PREPARE),
        ("SystemExit", Place.DIAGNOSE),
        ("GeneratorExit", Place.REPRODUCE),
        ("Unprintable", Place.PREPARE),
    ):
        yield Condition(
            name=f"{exception.lower()}-in-{place}",
            title=f"{exception} raised by code in {place}"
            if exception != "Unprintable"
            else "an exception whose str raises",
            faults=raises(exception, place),
            promise=failed(exception, place),
        )
    yield Condition(
        name="out-of-memory",
        title="a heal is given no more memory",
        faults=one(Kind.EAT_MEMORY, Place.REPRODUCE, ALWAYS),
        promise=failed("MemoryError", Place.REPRODUCE),
    )
    yield Condition(
        name="disk-full",
        title="the disk is full (an injected error) when the target is fetched",
        faults=raises("OSError", Place.PREPARE),
        promise=(says("No space"),),
    )


def _deaths() -> Iterator[Condition]:
    for place in PHASES:
        yield Condition(
            name=f"child-killed-in-{place}",
            title=f"SIGKILL for the child that heals, in {place}",
            faults=one(Kind.KILL_CHILD, place),
            promise=(*HEALED, heals_at_most(3)),
        )
    for place in PHASES:
        yield Condition(
            name=f"worker-killed-in-{place}",
            title=f"SIGKILL for the whole worker, in {place}",
            faults=one(Kind.KILL_WORKER, place),
            promise=(*HEALED, heals_at_most(3)),
        )
    yield Condition(
        name="poison",
        title="a heal that kills its child each time",
        faults=one(Kind.KILL_CHILD, Place.REPRODUCE, ALWAYS),
        promise=(
            *failed("WorkerLost", Place.REPRODUCE, Reason.WORKER_LOST),
            struck(3),
            letter_names("SIGKILL", "reproduce"),
        ),
    )


def _broker() -> Iterator[Condition]:
    for place in PHASES:
        yield Condition(
            name=f"broker-killed-in-{place}",
            title=f"SIGKILL for the broker, in {place}",
            faults=one(Kind.KILL_BROKER, place),
            promise=(*HEALED, heals_at_most(3)),
            turn=Turn.BROKER,
        )


def _repositories() -> Iterator[Condition]:
    paused = one(Kind.PAUSE, Place.REPRODUCE)
    for name, title, act in (
        ("repository-deleted", "deleted", acting.delete_repository),
        ("force-pushed", "force-pushed", acting.force_push),
        ("repository-locked", "locked by somebody else", acting.lock_repository),
    ):
        yield Condition(
            name=name,
            title=f"the repository is {title} while it is being healed",
            faults=paused,
            act=act,
            promise=HEALED,
        )
    yield Condition(
        name="remote-locked",
        title="the branch is locked in the remote when it is pushed, for three seconds",
        faults=one(Kind.PAUSE, Place.PUBLISH),
        act=acting.lock_remote_for_a_while,
        promise=HEALED,
    )


def _messages() -> Iterator[Condition]:
    yield Condition(
        name="sink-fails-after-it-acted",
        title="the sink fails after it acted",
        faults=raises("DeliveryError", Place.DELIVERED, 1),
        promise=(*HEALED, acted(2), tickets(1)),
    )
    yield Condition(
        name="ten-thousand-repeats",
        title="ten thousand repeats of one failure",
        publish=publishing.repeats(_TEN_THOUSAND),
        promise=(*HEALED, incidents(1), heals_at_most(1), counted(_TEN_THOUSAND)),
    )
    yield Condition(
        name="same-batch-again",
        title="the same batch is delivered five times",
        publish=publishing.same_batch(5),
        promise=(*HEALED, heals_at_most(1), counted(1)),
    )
    yield Condition(
        name="workers-race",
        title="all workers race for one group",
        act=acting.race,
        promise=(*HEALED, heals_at_most(1)),
    )
    for name, title, age in (
        ("from-next-year", "an event from next year", -365 * _DAY),
        ("from-last-century", "an event from last century", 100 * 365 * _DAY),
    ):
        yield Condition(
            name=name, title=title, publish=publishing.failures(age=age), promise=(*HEALED,)
        )


def _malformed() -> Iterator[Condition]:
    """Ten kinds of events that are none, each beside a good one."""
    kinds = {
        "text": ("is a mere text", publishing.plain_text),
        "no-type": ("has no exception type", publishing.missing("exception_type")),
        "wrong-type": ("has a text for a number", publishing.changed(count="many")),
        "zero-count": ("happened zero times", publishing.changed(count=0)),
        "bad-id": ("has an id that is none", publishing.changed(id="x")),
        "other-version": ("has a version nobody knows", publishing.changed(version=99)),
        "no-date": ("has a word for its time", publishing.changed(occurred_at="yesterday")),
        "no-zone": ("has no time zone", publishing.changed(occurred_at="2026-01-01T00:00:00")),
        "too-large": ("is too large", publishing.too_large),
        "unknown-target": ("names an unknown target", publishing.changed(target="nowhere")),
    }
    for name, (title, spoil) in kinds.items():
        yield Condition(
            name=f"malformed-{name}",
            title=f"an event {title}, beside a good one",
            publish=publishing.beside(spoil),
            promise=(ends(Verdict.HEALED), incidents(1), letter(Reason.INVALID)),
            shares="malformed",
        )
    yield from (
        Condition(name=name, title=title, publish=publish, promise=(letter(Reason.INVALID),))
        for name, title, publish in (
            ("unreadable", "a message whose bytes are no JSON", publishing.raw("\xff\xfe MARK")),
            (
                "wrong-content-type",
                "a message of another content type",
                publishing.raw("MARK", content_type="application/x-python-serialize"),
            ),
            (
                "unknown-task",
                "a message for a task nobody knows",
                publishing.raw('[["MARK"], {}, {}]', task="paramedic.unknown"),
            ),
            (
                "wrong-arguments",
                "a message that carries no batch",
                publishing.raw('[["MARK"], {}, {}]'),
            ),
            ("no-message", "rubbish in the broker's list", publishing.no_message("MARK")),
        )
    )


def _clocks() -> Iterator[Condition]:
    for name, title, offset in (
        ("clock-forward", "the workers' clocks jump forward by a day, and back", _DAY),
        ("clock-back", "the workers' clocks jump back by a day, and forward again", -_DAY),
    ):
        yield Condition(
            name=name,
            title=title,
            publish=publishing.nothing,
            act=acting.with_clock(offset),
            promise=(*HEALED, heals_at_most(1)),
            turn=Turn.ALONE,
        )


def _last() -> Iterator[Condition]:
    yield Condition(
        name="poison-message",
        title="a message that kills the intake worker each time",
        faults=one(Kind.KILL_WORKER, Place.INTAKE, ALWAYS),
        promise=(incidents(0), letter(Reason.WORKER_LOST), struck(3)),
        turn=Turn.ALONE,  # all the others need the intake worker too
    )


CATALOGUE: tuple[Condition, ...] = (
    *_the_seven(),
    *_waiting(),
    *_deaths(),
    *_exceptions(),
    *_repositories(),
    *_messages(),
    *_malformed(),
    *_broker(),
    *_clocks(),
    *_last(),
)
