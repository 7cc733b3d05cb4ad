"""What the tasks of one worker process share, opened once, when it is first needed."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import redis
from celery import Celery

from paramedic.event import now
from paramedic_workers import topology
from paramedic_workers.app import worker_settings
from paramedic_workers.attempts import AttemptLedger
from paramedic_workers.bells import Bells
from paramedic_workers.connections import ledger_url, state_client
from paramedic_workers.dead_letters.store import DeadLetters
from paramedic_workers.groups import GroupHealer, Heals
from paramedic_workers.healing.model import ProgressCallback
from paramedic_workers.intake import Intake
from paramedic_workers.landing.looking import LandingLooks
from paramedic_workers.outbox import FIRST_PAUSE, Delivers, Outbox
from paramedic_workers.settings import Settings
from paramedic_workers.sinks import load_sinks
from paramedic_workers.sweep import Depths, Sweeper
from paramedic_workers.tending import Tending

#: Retries, within half a second, of what no message may wait for.
QUICK_RETRIES = 4


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """The parts of the flow, ready to work."""

    settings: Settings
    client: redis.Redis
    attempts: AttemptLedger
    intake: Intake
    letters: DeadLetters
    healer: GroupHealer
    outbox: Outbox
    tending: Tending
    landings: LandingLooks
    sweeper: Sweeper
    bells: Bells


def usual_healer(settings: Settings, progress: ProgressCallback) -> Heals:
    """The healer of every worker but those of a simulation."""
    from paramedic_workers.healing.healer import Healer  # only heal workers pay for it

    healer: Heals = Healer(data=settings.data_directory(), progress=progress)
    return healer


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What another application may put in place of the usual parts."""

    healer: Callable[[Settings, ProgressCallback], Heals] = usual_healer
    sinks: Callable[[Settings, redis.Redis], Mapping[str, Delivers]] = load_sinks
    intake: type[Intake] = Intake
    clock: Callable[[], datetime] = now
    #: Seconds before the second attempt of a delivery.
    first_pause: float = FIRST_PAUSE


_parts: dict[Celery, Parts] = {}


def use_parts(app: Celery, parts: Parts) -> None:
    """Let the workers of this application work with these parts."""
    _parts[app] = parts


@functools.cache
def runtime(app: Celery) -> Runtime:
    """The parts for the worker of this application.

    Raises:
        UsageError: the settings are wrong, or there is no ledger.
    """
    settings = worker_settings()
    client = state_client(ledger_url(settings))
    attempts = AttemptLedger(state_client(ledger_url(settings), retries=QUICK_RETRIES))
    parts = _parts.get(app, Parts())
    names = topology.sink_names(settings)
    sinks: dict[str, Delivers] = {
        **parts.sinks(settings, client),
        topology.EXCHANGE_SINK: topology.ResultsExchange(app=app),
    }

    intake = parts.intake(
        client=client,
        targets=settings.targets,
        retry_after=settings.retry_after,
        clock=parts.clock,
    )
    depths = Depths(
        intake=lambda: topology.depth(app, topology.INTAKE.name),
        heal=lambda: topology.depth(app, topology.HEAL_QUEUE),
        deliver=lambda sink: topology.depth(app, topology.results_queue(sink)),
    )
    tending = Tending(client=client, sinks=sinks, clock=parts.clock)
    landings = LandingLooks(
        client=client,
        settings=settings,
        healer=functools.partial(parts.healer, settings),
        sinks=names,
        clock=parts.clock,
    )
    return Runtime(
        settings=settings,
        client=client,
        attempts=attempts,
        intake=intake,
        letters=DeadLetters.of(client, settings),
        healer=GroupHealer(
            client=client,
            settings=settings,
            healer=functools.partial(parts.healer, settings),
            sinks=names,
            clock=parts.clock,
        ),
        outbox=Outbox(
            client=client,
            sinks=sinks,
            attempts=settings.delivery_attempts,
            first_pause=parts.first_pause,
            clock=parts.clock,
        ),
        tending=tending,
        landings=landings,
        bells=Bells(),
        sweeper=Sweeper(
            client=client,
            settings=settings,
            intake=intake,
            sinks=names,
            depths=depths,
            tending=tending,
            landings=landings,
            clock=parts.clock,
        ),
    )
