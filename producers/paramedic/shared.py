"""The publisher of the process: the one global, for those who want it."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path

from paramedic.event import FailureEvent
from paramedic.limits import Limits
from paramedic.publisher import Publisher

_log = logging.getLogger("paramedic")
_publisher: Publisher | None = None
_told_missing = False


def init(
    target: str | None = None,
    *,
    broker_url: str | None = None,
    root: str | os.PathLike[str] | None = None,
    revision: str | None = None,
    tags: Mapping[str, str] | None = None,
    spool: Path | None = None,
    limits: Limits | None = None,
) -> Publisher:
    """Make the publisher of this process; called once, at start.

    Args:
        target: name of the configured codebase; `PARAMEDIC_TARGET` if not given.
        broker_url: see `Publisher` for this and the others.

    Raises:
        ValueError: the target is missing or is no name of a target.
    """
    global _publisher  # noqa: PLW0603 - the one global, for those who want it
    target = target or os.environ.get("PARAMEDIC_TARGET")
    if not target:
        raise ValueError("No target: name it in init(), or set PARAMEDIC_TARGET")
    previous = _publisher
    _publisher = Publisher(
        target,
        broker_url=broker_url,
        root=root,
        revision=revision,
        tags=tags,
        spool=spool,
        limits=limits,
    )
    if previous is not None:
        previous.close()
    return _publisher


def current_publisher() -> Publisher | None:
    """The publisher that `init` has made; None before, which is logged once."""
    global _told_missing  # noqa: PLW0603 - logged once per process
    if _publisher is None and not _told_missing:
        _told_missing = True
        _log.warning("Nothing is reported: paramedic.init() has not been called")
    return _publisher


def capture_exception(error: BaseException | None = None, /, **tags: object) -> None:
    """Report an exception, or the one that is being handled; see `Publisher`."""
    if (publisher := current_publisher()) is not None:
        publisher.capture_exception(error, **tags)


def report(*events: FailureEvent) -> None:
    """Report events; see `Publisher`."""
    if (publisher := current_publisher()) is not None:
        publisher.report(*events)


def flush(timeout: float = 5.0) -> bool:
    """Wait until what was reported is published or spooled; see `Publisher`."""
    publisher = current_publisher()
    return publisher is None or publisher.flush(timeout)
