"""The Celery application: ordinary, and set up for work that must not be lost.

    celery -A paramedic_workers worker -Q paramedic.heal -c 4
    celery -A paramedic_workers inspect active
    celery -A paramedic_workers flower

A message is only a doorbell: what it announces stands in the ledger. So it may be
delivered twice (every task is idempotent) and may be lost (the sweep rings again).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
import structlog
from celery import Celery, signals
from kombu.exceptions import OperationalError

from paramedic_workers import plain_json, redis_items, settings_file, topology
from paramedic_workers.connections import broker_url
from paramedic_workers.errors import BrokerError
from paramedic_workers.settings import Settings
from paramedic_workers.telemetry.logs import configure_logs

#: Names the file in which a supervisor hands its settings, already checked, to its workers.
HANDED_SETTINGS = "PARAMEDIC_HANDED_SETTINGS"
#: A message that is not acknowledged within this many leases is delivered again. Intake and
#: delivery take seconds. A heal may take longer: its second doorbell finds the group leased,
#: and does nothing.
VISIBILITY_LEASES = 1.5
#: Seconds after the greatest budget at which Celery kills a heal. The commands of a heal have
#: time limits of their own, so this is never reached unless the healer itself hangs.
HEAL_GRACE = 600
#: Seconds that an intake, a delivery or a sweep may take.
TASK_LIMIT = 300
#: Seconds in which a process of a pool must have started; Celery's 4 are few on a busy machine.
START_LIMIT = 60.0
#: Seconds that a publish waits for a broker that does not answer.
SOCKET_TIMEOUT = 15.0

#: With tasks, and with what hears Celery's signals.
_MODULES = ("paramedic_workers.tasks", "paramedic_workers.worker_life")

_log = structlog.get_logger()


def worker_settings() -> Settings:
    """The settings that apply to this process: its supervisor's, else those of the file.

    Raises:
        SettingsError: they are wrong.
    """
    handed = os.environ.get(HANDED_SETTINGS)
    if handed:
        return msgspec.json.decode(Path(handed).read_bytes(), type=Settings)
    return settings_file.load()


def make_app(settings: Settings) -> Celery:
    """The application for these settings.

    Raises:
        UsageError: no broker is configured, and none runs on the data directory.
    """
    # Celery must not set up logging over ours.
    signals.setup_logging.connect(_set_up_logging)
    plain_json.register()
    redis_items.register(lambda queue, item, error: _keep_item(app, queue, item, error))
    sinks = topology.sink_names(settings)
    url = broker_url(settings)
    signals.celeryd_after_setup.connect(_declare_queues)
    app = Celery("paramedic", broker=url, include=_MODULES)
    app.conf.update(
        # JSON only: a message can never make a worker run what it carries.
        task_serializer="json",
        accept_content=["json"],
        # Outcomes stand in the ledger; a result backend would keep them a second time.
        task_ignore_result=True,
        # Acknowledged when the work is done, so that a killed worker's message comes back.
        task_acks_late=True,
        worker_prefetch_multiplier=1,
        worker_proc_alive_timeout=START_LIMIT,
        # On Redis a rejected message vanishes, so nothing is gained by not acknowledging it:
        # intake puts a message back itself, and the sweep finds what the others leave.
        task_acks_on_failure=True,
        task_acks_on_timeout=True,
        task_reject_on_worker_lost=False,
        # RabbitMQ's quorum queues know prefetch limits per consumer only.
        worker_detect_quorum_queues=True,
        broker_transport_options=topology.transport_options(
            url, settings.lease_seconds * VISIBILITY_LEASES, SOCKET_TIMEOUT
        ),
        # No message, however it is made, may end a worker.
        worker_consumer="paramedic_workers.consumer:CarefulConsumer",
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        # Queues and routes.
        task_queues=topology.queues(sinks),
        task_routes=topology.routes(),
        task_default_queue=topology.INTAKE.name,
        task_create_missing_queues=False,
        # Time limits; prefork pools only.
        task_time_limit=TASK_LIMIT,
        task_annotations={
            task: {"time_limit": heal_limit(settings)}
            for task in (topology.HEAL_TASK, topology.LANDING_TASK)
        },
        # For `celery events` and Flower.
        worker_send_task_events=True,
        task_send_sent_event=True,
        # One sweep at a time is rung for, and one that comes late is worthless.
        beat_schedule={
            "sweep": {
                "task": topology.SWEEP_TASK,
                "schedule": settings.sweep_seconds,
                "options": {"expires": max(settings.sweep_seconds, 1.0)},
            }
        },
        # The schedule is an interval: beat need not remember anything on disk.
        beat_scheduler="celery.beat:Scheduler",
        worker_redirect_stdouts=False,
    )
    return app


def _keep_item(app: Celery, queue: str, item: bytes, error: Exception) -> None:
    """Make a dead letter of an item of a queue that is no message."""
    from paramedic_workers.dead_letters.messages import letter_of_item
    from paramedic_workers.runtime import runtime  # it imports this module

    runtime(app).letters.keep(letter_of_item(queue, item, error))


def heal_limit(settings: Settings) -> float:
    """Seconds after which Celery kills a heal."""
    budgets = [target.budget for target in settings.targets.values()]
    return max(budgets, default=0.0) + HEAL_GRACE


def _declare_queues(instance: Any, **_: object) -> None:
    """Declare every queue before a worker reads from any, so that none is missed later."""
    app = instance.app
    try:
        topology.declare(app)
    except BrokerError as error:
        # Worker and supervisor would only fail again and again.
        _log.error("the queues cannot be declared", error=str(error))
        raise SystemExit(2) from error
    except (*app.connection_for_write().connection_errors, OperationalError) as error:
        # The worker waits for the broker by itself; the sweep declares what is missing.
        _log.warning("the broker is away", error=str(error))


def _set_up_logging(loglevel: int | None = None, logfile: str | None = None, **_: object) -> None:
    settings = worker_settings()
    configure_logs(settings.log_format, loglevel or settings.log_level, logfile)
