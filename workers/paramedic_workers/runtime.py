"""What the tasks of one worker process share, opened once, when it is first needed."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import redis
from celery import Celery

from paramedic_workers import topology
from paramedic_workers.app import worker_settings
from paramedic_workers.connections import ledger_url, state_client
from paramedic_workers.groups import GroupHealer, Heals
from paramedic_workers.healing.model import ProgressCallback
from paramedic_workers.intake import Intake
from paramedic_workers.outbox import Delivers, Outbox
from paramedic_workers.settings import Settings
from paramedic_workers.sinks import load_sinks
from paramedic_workers.sweep import Depths, Sweeper


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """The parts of the flow, ready to work."""

    settings: Settings
    client: redis.Redis
    intake: Intake
    healer: GroupHealer
    outbox: Outbox
    sweeper: Sweeper


@functools.cache
def runtime(app: Celery) -> Runtime:
    """The parts for the worker of this application.

    Raises:
        UsageError: the settings are wrong, or there is no ledger.
    """
    settings = worker_settings()
    client = state_client(ledger_url(settings))
    names = topology.sink_names(settings)
    sinks: dict[str, Delivers] = {
        **load_sinks(settings),
        topology.EXCHANGE_SINK: topology.ResultsExchange(app=app),
    }

    def make_healer(progress: ProgressCallback) -> Heals:
        from paramedic_workers.healing.healer import Healer  # only heal workers pay for it

        healer: Heals = Healer(data=settings.data_directory(), progress=progress)
        return healer

    intake = Intake(client=client, targets=settings.targets, retry_after=settings.retry_after)
    depths = Depths(
        intake=lambda: topology.depth(app, topology.INTAKE.name),
        heal=lambda: topology.depth(app, topology.HEAL_QUEUE),
        deliver=lambda sink: topology.depth(app, topology.results_queue(sink)),
    )
    return Runtime(
        settings=settings,
        client=client,
        intake=intake,
        healer=GroupHealer(client=client, settings=settings, healer=make_healer, sinks=names),
        outbox=Outbox(client=client, sinks=sinks, attempts=settings.delivery_attempts),
        sweeper=Sweeper(
            client=client, settings=settings, intake=intake, sinks=names, depths=depths
        ),
    )
