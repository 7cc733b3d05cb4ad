"""Paramedic's workers: intake, healing and delivery, as an ordinary Celery application."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from celery import Celery


def __getattr__(name: str) -> Celery:
    """`celery`: the application that `celery -A paramedic_workers` looks for.

    It is made when it is asked for: importing the package needs no settings, no broker and
    no Celery. Settings that are wrong end the command with a line for each mistake.
    """
    if name != "celery":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from paramedic_workers.app import make_app, worker_settings
    from paramedic_workers.errors import UsageError

    try:
        app = make_app(worker_settings())
    except UsageError as error:
        sys.stderr.write(f"paramedic: {error}\n")
        raise SystemExit(2) from None
    globals()[name] = app
    return app
