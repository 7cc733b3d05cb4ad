"""What others have sent, in a form that can be kept: nothing of it is trusted, nothing lost.

Headers and contents may hold what JSON cannot: half surrogate pairs, bytes, objects of the
broker's library, lists nested without end.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Levels of lists and objects in headers; what is deeper is kept as text.
_DEPTH = 20
#: Frames for writing what a reader with Python's ordinary limit has read.
_WRITING_FRAMES = 4_000


def text_of(value: str) -> str:
    """The text, with an escape for each character that UTF-8 cannot hold."""
    return value.encode("utf-8", "backslashreplace").decode()


def plain(value: object, depth: int = _DEPTH) -> Any:
    """The value as JSON can hold it; what it cannot hold becomes text."""
    if isinstance(value, str):
        return text_of(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "backslashreplace")
    if isinstance(value, datetime):
        return value.isoformat()  # AMQP has a type of its own for times
    if depth > 0 and isinstance(value, Mapping):
        return {text_of(str(name)): plain(item, depth - 1) for name, item in value.items()}
    if depth > 0 and isinstance(value, list | tuple):
        return [plain(item, depth - 1) for item in value]
    return value if _is_plain_number(value) else _shown(value)


def _is_plain_number(value: object) -> bool:
    """Whether it is null, a truth value, or a number that every reader of JSON takes."""
    if isinstance(value, int):
        return abs(value) < 2**63
    return value is None or (isinstance(value, float) and math.isfinite(value))


def plain_mapping(value: object) -> dict[str, Any]:
    """The headers or properties of a message; what is no mapping is kept under `value`."""
    if not value:
        return {}
    kept = plain(value)
    return kept if isinstance(kept, dict) else {"value": kept}


def body_bytes(body: object) -> bytes:
    """The body of a message as bytes."""
    if body is None:
        return b""
    if isinstance(body, bytes | bytearray | memoryview):
        return bytes(body)
    if isinstance(body, str):
        return body.encode("utf-8", "surrogatepass")
    return written(body)


def written(content: object) -> bytes:
    """JSON of whatever a JSON reader has read, in ASCII; other objects become text."""
    try:
        return json.dumps(content, default=_shown).encode()
    except RecursionError:
        return _written_deep(content)
    except (ValueError, TypeError) as error:
        return json.dumps(f"(cannot be written as JSON: {error})").encode()


def _written_deep(content: object) -> bytes:
    """As `written`, for what is nested about as deep as a reader can read."""
    try:
        with _frames(_WRITING_FRAMES):
            return json.dumps(content, default=_shown).encode()
    except RecursionError as error:
        return json.dumps(f"(cannot be written as JSON: {error})").encode()


@contextmanager
def _frames(number: int) -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, number))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def _shown(value: object) -> str:
    try:
        return text_of(repr(value))
    except Exception as error:  # noqa: BLE001 - the repr of a foreign object may do anything
        return f"({type(value).__name__}, which cannot be shown: {type(error).__name__})"
