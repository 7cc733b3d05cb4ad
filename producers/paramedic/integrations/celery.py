"""Reports the failing tasks of your own Celery application."""

from __future__ import annotations

from typing import Any

from paramedic.publisher import Publisher
from paramedic.shared import current_publisher


def connect(app: Any = None, publisher: Publisher | None = None) -> None:
    """Report each task that fails for good, after its last retry.

    Celery is imported here, and nowhere else in this distribution.

    Args:
        app: only tasks of this application; of every one if not given.
        publisher: used for the reports; the one of `paramedic.init` if not given.
    """
    from celery import signals

    def on_failure(sender: Any, exception: BaseException, task_id: str, **_: object) -> None:
        chosen = publisher or current_publisher()
        if chosen is not None and (app is None or sender.app is app):
            chosen.capture_exception(exception, task=sender.name, task_id=task_id)

    def on_end(**_: object) -> None:  # a pool child ends without running atexit functions
        chosen = publisher or current_publisher()
        if chosen is not None:
            chosen.close()

    signals.task_failure.connect(on_failure, weak=False)
    signals.worker_process_shutdown.connect(on_end, weak=False)
