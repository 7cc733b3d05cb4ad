"""Publishes failures to Paramedic, without ever slowing or breaking the caller.

    import paramedic

    paramedic.init("shop")
    try:
        ...
    except Exception:
        paramedic.capture_exception(order="1234")
        raise

For those who want no global: `Publisher`. docs/emit.md tells the rest. Each name is
imported when it is first used, so that `import paramedic` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from paramedic.version import __version__

if TYPE_CHECKING:
    from paramedic.event import FailureEvent, Frame, InvalidEvent
    from paramedic.limits import Counts, Limits
    from paramedic.publisher import Publisher
    from paramedic.shared import capture_exception, current_publisher, flush, init, report

__all__ = [
    "Counts",
    "FailureEvent",
    "Frame",
    "InvalidEvent",
    "Limits",
    "Publisher",
    "__version__",
    "capture_exception",
    "current_publisher",
    "flush",
    "init",
    "report",
]

_HOMES = {
    "Counts": "limits",
    "FailureEvent": "event",
    "Frame": "event",
    "InvalidEvent": "event",
    "Limits": "limits",
    "Publisher": "publisher",
    "capture_exception": "shared",
    "current_publisher": "shared",
    "flush": "shared",
    "init": "shared",
    "report": "shared",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'paramedic' has no attribute {name!r}")
    value = getattr(import_module(f"paramedic.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
