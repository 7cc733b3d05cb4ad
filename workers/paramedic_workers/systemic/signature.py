"""The signature: the identity of a way in which the healer fails.

It is made as a fingerprint is, of what stays the same when the same defect strikes another
incident: strategy, phase, error type, and our own innermost frames by module and function.
Line numbers never count; the message does only where no frame and no telling type is known,
and then without what differs from one incident to the next.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import PurePosixPath

import msgspec

from paramedic.fingerprint import FINGERPRINT_DIGITS
from paramedic_workers.errors import HealHung, Phase, WorkerLost, describe
from paramedic_workers.results import Cause

#: Our own frames that count, the innermost ones: callers further out differ by what called.
_OWN_FRAMES = 3
#: Characters of a message that count.
_MESSAGE_LENGTH = 200
#: Between two parts; it occurs in no name.
_SEPARATOR = "\x1f"
#: Packages whose frames are our own.
_OWN_PACKAGES = ("paramedic_workers", "paramedic")
#: Errors that say by their type alone what happened; their messages name hosts and times.
_TOLD_BY_TYPE = frozenset(describe(kind())[0] for kind in (WorkerLost, HealHung))
#: Which function meets the limit is a matter of the depth it started from.
_DEPTH_ERROR = "RecursionError"

_FRAME = re.compile(r'^[\s|+]*File "(?P<file>[^"]+)", line \d+, in (?P<function>.+?)\s*$', re.M)
#: What begins the traceback of one error of a chain; the first is the root of all.
_TRACEBACK = re.compile(r"^[\s|+]*(?:Exception Group )?Traceback \(most recent call last\):", re.M)
#: What stands before a module's path.
_LIBRARY = re.compile(r".*/(?:site-packages|dist-packages|lib/python3\.\d+)/")
#: What differs from one incident to the next.
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`")
_PATH = re.compile(r"(?:[\w.-]*/)+[\w.:-]*")
_NUMBER = re.compile(r"\b(?:0x)?[0-9a-f]*\d[0-9a-f]*\b", re.IGNORECASE)


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """One way in which the healer fails."""

    phase: Phase
    #: With its module unless it is a builtin.
    type: str
    #: `module:function`, outermost first; the last is where it was raised.
    frames: tuple[str, ...] = ()
    #: The strategy that broke; empty where it was none.
    strategy: str = ""
    #: What it said, without numbers, names and paths; only where nothing else is known.
    message: str = ""

    @property
    def id(self) -> str:
        """20 hexadecimal digits, the same for the same way."""
        parts = (self.strategy, self.phase, self.type, *self.frames, self.message)
        text = _SEPARATOR.join(parts).encode("utf-8", "backslashreplace")
        return blake2b(text, digest_size=FINGERPRINT_DIGITS // 2).hexdigest()

    @property
    def words(self) -> str:
        """In a few words: `AttributeError in phase repair, strategy patch`."""
        strategy = f", strategy {self.strategy}" if self.strategy else ""
        return f"{self.type.rpartition('.')[2]} in phase {self.phase}{strategy}"


def signature_of(cause: Cause, strategy: str = "") -> Signature:
    """The signature of an error of the healer.

    Args:
        cause: the error, with its traceback where there is one.
        strategy: the one that broke; empty where it was none.
    """
    frames = _frames(cause)
    telling = bool(frames) or cause.type in _TOLD_BY_TYPE
    return Signature(
        phase=cause.phase,
        type=cause.type,
        frames=frames,
        strategy=strategy,
        message="" if telling else _normalised(cause.message),
    )


def _frames(cause: Cause) -> tuple[str, ...]:
    """Our own innermost frames below the root of the error, and the one that raised it."""
    chain = [_places(text) for text in _TRACEBACK.split(cause.traceback)[1:]]
    places = next((found for found in chain if any(map(_is_own, found))), [])
    places = places or next((found for found in chain if found), [])
    own = [place for place in places if _is_own(place)][-_OWN_FRAMES:]
    raised = [] if cause.type == _DEPTH_ERROR else places[-1:]
    return tuple(dict.fromkeys((*own, *raised)))


def _places(traceback: str) -> Sequence[str]:
    """The frames of one traceback, each place once, outermost first."""
    found = (f"{_module(m['file'])}:{m['function']}" for m in _FRAME.finditer(traceback))
    return list(dict.fromkeys(found))


def _module(file: str) -> str:
    """The module of a file, as far as its path tells."""
    path = PurePosixPath(_LIBRARY.sub("", file).replace("\\", "/"))
    parts = path.with_suffix("").parts
    own = [number for number, part in enumerate(parts) if part == _OWN_PACKAGES[0]]
    kept = parts[own[-1] :] if own else parts[-2:] if path.is_absolute() else parts
    return ".".join(part for part in kept if part not in ("/", "__init__"))


def _is_own(place: str) -> bool:
    return place.partition(":")[0].partition(".")[0] in _OWN_PACKAGES


def _normalised(message: str) -> str:
    text = _QUOTED.sub("…", message)
    text = _NUMBER.sub("#", _PATH.sub("…", text))
    return " ".join(text.split())[:_MESSAGE_LENGTH]
