"""Reports exceptions that end the process or one of its threads."""

from __future__ import annotations

import sys
import threading
from types import TracebackType

from paramedic.publisher import Publisher
from paramedic.shared import current_publisher

#: Ways to end that are no failures.
_NO_FAILURES = (KeyboardInterrupt, SystemExit, GeneratorExit)


def install(publisher: Publisher | None = None) -> None:
    """Put our hooks before `sys.excepthook` and `threading.excepthook`, which still run.

    Args:
        publisher: used for the reports; the one of `paramedic.init` if not given.
    """
    before, before_in_threads = sys.excepthook, threading.excepthook

    def hook(
        kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        _capture(publisher, error)
        before(kind, error, traceback)

    def hook_in_threads(arguments: threading.ExceptHookArgs) -> None:
        name = arguments.thread.name if arguments.thread else ""
        _capture(publisher, arguments.exc_value, thread=name)
        before_in_threads(arguments)

    sys.excepthook = hook
    threading.excepthook = hook_in_threads


def _capture(publisher: Publisher | None, error: BaseException | None, **tags: str) -> None:
    chosen = publisher or current_publisher()
    if chosen is not None and error is not None and not isinstance(error, _NO_FAILURES):
        chosen.capture_exception(error, **tags)
