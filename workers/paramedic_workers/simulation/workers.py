"""The Celery application of a simulation's workers: `-A paramedic_workers.simulation.workers`.

It is the ordinary application: same tasks, same queues, same healer. Only its parts are
wrapped, so that faults may strike, and a clock is put in that can be set.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from celery import Celery

from paramedic_workers import topology
from paramedic_workers.app import make_app, worker_settings
from paramedic_workers.groups import Heals
from paramedic_workers.healing.model import ProgressCallback
from paramedic_workers.intake import Intake, Recorded
from paramedic_workers.outbox import Delivers
from paramedic_workers.runtime import Parts, use_parts
from paramedic_workers.settings import Settings
from paramedic_workers.simulation.acts import Striker
from paramedic_workers.simulation.faults import Place
from paramedic_workers.simulation.shared import HEAL_LIMIT, SetClock, book_in, tickets_in
from paramedic_workers.simulation.sinks import TICKETS, TicketSink

#: Seconds before the second attempt of a delivery.
FIRST_PAUSE = 0.4


def _striker(settings: Settings) -> Striker:
    data = settings.data_directory()
    return Striker(book=book_in(data), data=data, lease_seconds=settings.lease_seconds)


def _healer(settings: Settings, progress: ProgressCallback) -> Heals:
    from paramedic_workers.simulation.healer import SimulatedHealer  # only heal workers pay

    return SimulatedHealer(
        data=settings.data_directory(), progress=progress, striker=_striker(settings)
    )


def _sinks(settings: Settings) -> Mapping[str, Delivers]:
    box = tickets_in(settings.data_directory())
    return {TICKETS: TicketSink(box=box, striker=_striker(settings))}


class _Intake(Intake):
    """Intake; faults strike before a batch is recorded."""

    def record(self, arguments: Sequence[object], message_id: str) -> Recorded:
        """Record the arguments of one intake message."""
        _striker(_settings).strike(_target_of(arguments), Place.INTAKE)
        return super().record(arguments, message_id)


def _target_of(arguments: Sequence[object]) -> str:
    """The target of a batch's first event; empty where there is none."""
    match arguments:
        case [{"events": [{"target": str(target)}, *_]}]:
            return target
    return ""


def _simulated_app(settings: Settings) -> Celery:
    made = make_app(settings)
    limit = float(os.environ[HEAL_LIMIT])
    made.conf.task_annotations = {topology.HEAL_TASK: {"time_limit": limit}}
    clock = SetClock.of(settings.data_directory())
    parts = Parts(
        healer=_healer,
        sinks=lambda settings, _: _sinks(settings),
        intake=_Intake,
        clock=clock,
        first_pause=FIRST_PAUSE,
    )
    use_parts(made, parts)
    return made


_settings = worker_settings()
#: Found by `celery -A`.
app = _simulated_app(_settings)
