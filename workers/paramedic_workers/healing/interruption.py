"""Telling a signal that ends this process from an exception that merely looks like one.

`KeyboardInterrupt` and `SystemExit` must end the process when a person pressed Ctrl-C or
a supervisor asked for it, and must not when a strategy or a library raised them. The
exception type cannot tell; whether a signal handler raised it can. So for the time of a
heal every Python signal handler is wrapped by one that notes what the handler raised.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

_Handler = Callable[[int, FrameType | None], object]


class SignalWatch:
    """Knows, while it is entered, what signal handlers have raised.

    Handlers can be wrapped in the main thread alone; in any other thread no handler is
    ever run, so that there is nothing to watch.
    """

    def __init__(self) -> None:
        """Watch nothing yet."""
        self.raised: BaseException | None = None
        self._wrapped: dict[int, _Handler] = {}

    def __enter__(self) -> Self:
        """Wrap the handlers of this process."""
        if threading.current_thread() is threading.main_thread():
            for number in signal.valid_signals():
                handler = signal.getsignal(number)
                # The standard SIGCHLD-like handlers SIG_DFL and SIG_IGN are enums here.
                if callable(handler) and not isinstance(handler, signal.Handlers):
                    self._wrapped[number] = handler
                    signal.signal(number, self._noting(handler))
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Give the handlers back."""
        for number, handler in self._wrapped.items():
            signal.signal(number, handler)
        self._wrapped.clear()

    @property
    def interrupted(self) -> bool:
        """Whether a signal asked for an end of the heal."""
        return self.raised is not None

    @property
    def must_end_process(self) -> bool:
        """Whether a signal asked for the end of this process."""
        return isinstance(self.raised, KeyboardInterrupt | SystemExit)

    def end_process_if_asked(self) -> None:
        """Raise again what a signal handler raised to end the process, if it did.

        Raises:
            KeyboardInterrupt: Ctrl-C.
            SystemExit: a handler called `sys.exit`.
        """
        if self.raised is not None and self.must_end_process:
            raise self.raised

    def _noting(self, handler: _Handler) -> _Handler:
        def noted(number: int, frame: FrameType | None) -> None:
            try:
                handler(number, frame)
            except BaseException as error:
                self.raised = self.raised or error
                raise

        return noted
