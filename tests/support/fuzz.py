"""Messages that nobody would send on purpose: random ones, and mutated good ones."""

from __future__ import annotations

import json
import random
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from paramedic import wire
from tests.support.malformed import MALFORMED, call
from tests.support.queueing import make_batch, make_event

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
#: What a mutated value becomes.
_ODD_VALUES: Sequence[object] = (
    None, True, -1, 0, 1e308, 10**30, "", "x" * 5_000, "\ud800", "\0", [], {}, [[]], {"": {}},
)  # fmt: skip
_CONTENT_TYPES = ("application/json", "application/x-python-serialize", "text/plain", "", "a/b;c")
_ENCODINGS = ("utf-8", "binary", "ascii", "utf-16", "nonsense", "")


@dataclass(frozen=True, kw_only=True)
class Fuzzed:
    """A message; its name stands in the header `id` or in the correlation id."""

    name: str
    body: bytes
    headers: dict[str, Any]
    properties: dict[str, Any] = field(default_factory=dict)

    @property
    def batch(self) -> str:
        """The id of the batch it carries, if it is one."""
        try:
            found = json.loads(self.body)[0][0]["batch"]
        except (ValueError, LookupError, TypeError, RecursionError):
            return ""
        return found if isinstance(found, str) else ""


def fuzzed(number: int, chance: random.Random) -> Iterator[Fuzzed]:
    """So many messages, each of another kind at random."""
    corpus = _random_bodies(chance.randrange(2**32))
    kinds: list[Callable[[], tuple[bytes, dict[str, Any], dict[str, Any]]]] = [
        lambda: (chance.randbytes(chance.randrange(200)), {}, {}),
        lambda: (chance.choice(corpus), {}, {}),
        lambda: (_cut(json.dumps(_call(chance)).encode(), chance), {}, {}),
        lambda: (json.dumps(_changed(_call(chance), chance)).encode(), {}, {}),
        lambda: (json.dumps(_call(chance)).encode(), _odd_headers(chance), {}),
        lambda: (json.dumps(_call(chance)).encode(), {}, _odd_properties(chance)),
        lambda: _malformed(chance),
        lambda: (json.dumps(_call(chance)).encode(), {}, {}),
    ]
    for index in range(number):
        name = f"fuzz-{index}"
        body, headers, properties = chance.choice(kinds)()
        yield Fuzzed(
            name=name,
            body=body,
            headers={"lang": "py", "task": wire.INTAKE_TASK, "id": name, **headers},
            properties={**properties, "correlation_id": name},
        )


def _random_bodies(start: int) -> list[bytes]:
    """JSON that hypothesis makes up, as it is and as the argument of a call."""
    found: list[bytes] = []

    @seed(start)
    @settings(
        max_examples=300,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(_JSON)
    def gather(value: object) -> None:
        found.append(json.dumps(value).encode())
        found.append(call(wire.INTAKE_TASK, value))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # hypothesis warns of being called inside a test
        gather()
    return found


def _call(chance: random.Random) -> list[Any]:
    """A good call of intake, with one to three events of three causes."""
    tests = [f"test_{chance.randrange(3)}" for _ in range(chance.randrange(1, 4))]
    batch = make_batch(*(make_event(datetime.now(UTC), test) for test in tests))
    return [[batch], {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]


def _cut(body: bytes, chance: random.Random) -> bytes:
    """With some bytes turned, taken out or doubled."""
    changed = bytearray(body)
    for _ in range(chance.randrange(1, 6)):
        at = chance.randrange(len(changed))
        match chance.randrange(3):
            case 0:
                changed[at] ^= 1 << chance.randrange(8)
            case 1:
                del changed[at : at + chance.randrange(1, 40)]
            case _:
                changed[at:at] = changed[at : at + chance.randrange(1, 40)]
        if not changed:
            break
    return bytes(changed)


def _changed(value: Any, chance: random.Random) -> Any:
    """With one value, somewhere in it, replaced or taken out."""
    if not isinstance(value, list | dict) or not value or chance.random() < 0.1:
        return chance.choice(_ODD_VALUES)
    keys = range(len(value)) if isinstance(value, list) else list(value)
    key = chance.choice(keys)
    copied: Any = value.copy()
    if chance.random() < 0.1:
        del copied[key]
    else:
        copied[key] = _changed(value[key], chance)
    return copied


def _odd_headers(chance: random.Random) -> dict[str, Any]:
    names = ("id", "task", "lang", "eta", "expires", "retries", "timelimit", "group", "argsrepr")
    # Those that AMQP can carry.
    odd = [value for value in _ODD_VALUES if value not in ("\ud800", 10**30)]
    return {chance.choice(names): chance.choice(odd)}


def _odd_properties(chance: random.Random) -> dict[str, Any]:
    return {
        "content_type": chance.choice(_CONTENT_TYPES),
        "content_encoding": chance.choice(_ENCODINGS),
    }


def _malformed(chance: random.Random) -> tuple[bytes, dict[str, Any], dict[str, Any]]:
    small = [one for one in MALFORMED if len(one.body) < 10_000]
    chosen = chance.choice(small)
    return chosen.body, dict(chosen.headers), dict(chosen.properties)
