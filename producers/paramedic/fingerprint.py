"""The fingerprint: the identity of a cause.

It is made of what stays the same when the same bug strikes again: target, failing
test, exception type, and the target's own frames by module and function. Line
numbers, messages, addresses, counters and the depth of a recursion are left out.
"""

from __future__ import annotations

import re
from hashlib import blake2b

from paramedic.event import CUT_FILE, FailureEvent, Frame

#: Hexadecimal digits of a fingerprint.
FINGERPRINT_DIGITS = 20

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{4,}")
#: Between two parts; it occurs in no name.
_SEPARATOR = "\x1f"
#: Which function meets the limit is a matter of the depth it started from.
_DEPTH_ERROR = "RecursionError"


def fingerprint(event: FailureEvent) -> str:
    """The identity of the event's cause: 20 hexadecimal digits."""
    parts = (event.target, _test(event), event.exception_type, *_places(event))
    text = _SEPARATOR.join(parts).encode("utf-8", "backslashreplace")
    return blake2b(text, digest_size=FINGERPRINT_DIGITS // 2).hexdigest()


def _test(event: FailureEvent) -> str:
    """The failing test, without the addresses that parameters show as `<object at 0x7f…>`."""
    if event.test is None or "0x" not in event.test:
        return event.test or ""
    return _ADDRESS.sub("0x", event.test)


def _places(event: FailureEvent) -> list[str]:
    """Each function on the stack once, outermost first, then again the innermost.

    Once, because a recursion may go deeper today than yesterday.
    """
    places = [_place(frame) for frame in event.frames if frame.in_app]
    places = places or [_place(frame) for frame in event.frames if frame.file != CUT_FILE]
    innermost = [] if event.exception_type == _DEPTH_ERROR else places[-1:]
    return [f"{module}:{function}" for module, function in (*dict.fromkeys(places), *innermost)]


def _place(frame: Frame) -> tuple[str, str]:
    return frame.module or frame.file, frame.function
