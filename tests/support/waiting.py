"""Waiting for a state: polls with a deadline, never sleeps and hopes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

#: Tests name the seconds that a quiet machine may take; a busy one gets this many times more.
_PATIENCE = 3


def wait_for(what: str, probe: Callable[[], T], timeout: float = 30.0) -> T:
    """The first truthy value of `probe`.

    Args:
        what: what is waited for, in words.
        probe: asked again and again.
        timeout: seconds that a quiet machine may take for it.

    Raises:
        AssertionError: there was none in time; names `what` and the last value.
    """
    timeout *= _PATIENCE
    deadline = time.monotonic() + timeout
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout:.0f} s for {what}; last seen: {value!r}")
        time.sleep(0.02)
