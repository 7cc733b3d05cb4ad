"""Messages that no task can work on, one of each kind, and what is said of them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from paramedic import wire
from paramedic_workers import topology

INVALID = "InvalidMessage"
_EMBED: dict[str, object] = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}


@dataclass(frozen=True, kw_only=True)
class Malformed:
    """A message for `Broker.push_raw`."""

    name: str
    body: bytes
    headers: Mapping[str, Any] = field(default_factory=dict)
    #: Properties, content type and encoding among them.
    properties: Mapping[str, Any] = field(default_factory=dict)
    #: The last part of the letter's error type.
    error_type: str = INVALID
    #: What the letter's message says, among other things.
    words: str = ""

    def headers_with_id(self) -> dict[str, Any]:
        """Its headers, with a fresh id where they have none of their own."""
        return {"lang": "py", "id": uuid.uuid4().hex, **self.headers}


def call(task: str, *arguments: object, named: Mapping[str, object] | None = None) -> bytes:
    """The body of a call; a task is only named for the reader."""
    assert task
    return json.dumps([list(arguments), named or {}, _EMBED]).encode()


def _intake(name: str, body: bytes, **values: Any) -> Malformed:
    headers = {"task": wire.INTAKE_TASK, **values.pop("headers", {})}
    return Malformed(name=name, body=body, headers=headers, **values)


def _typed(name: str, content_type: str, body: bytes = b"\x80\x04N.") -> Malformed:
    properties = {"content_type": content_type, "content_encoding": "binary"}
    return _intake(
        name, body, properties=properties, error_type="ContentDisallowed", words="Refusing"
    )


def _heal(name: str, *arguments: object, named: Mapping[str, object] | None = None) -> Malformed:
    body = call(topology.HEAL_TASK, *arguments, named=named)
    return Malformed(
        name=name, body=body, headers={"task": topology.HEAL_TASK}, words="arguments are wrong"
    )


_BATCH = {"version": 1, "batch": "a-batch", "events": [{}]}
_DEEP = b"[" * 100_000 + b"]" * 100_000
_OLD = {"task": "somebody.elses", "id": "proto-1", "args": [7], "kwargs": {}}

MALFORMED = (
    _typed("pickle", "application/x-python-serialize"),
    _typed("yaml", "application/x-yaml", b"a: [1, 2]"),
    _typed("msgpack", "application/x-msgpack", b"\x93\x01\x02\x03"),
    _typed("a content type that nobody knows", "application/nonsense"),
    _typed("plain text", "text/plain", b"hello"),
    _intake("no utf-8", b'[["\xff\xfe"], {}, {}]', error_type="DecodeError"),
    _intake("cut off", b'[[{"version": 1, "ba', error_type="DecodeError"),
    _intake("empty", b"", words="no call"),
    _intake("nested beyond measure", _DEEP, error_type="DecodeError", words="beyond measure"),
    _intake(
        "a number beyond measure",
        b"[[" + b"9" * 10_000 + b"], {}, {}]",
        error_type="DecodeError",
    ),
    _intake("a number for a body", b"7", words="no call"),
    _intake("no embedded calls", b"[[], {}]", words="no call"),
    _intake("arguments of wrong shapes", b'["ab", [], 7]', words="no call"),
    _intake(
        "a chain to another task",
        json.dumps([[_BATCH], {}, {**_EMBED, "chain": [{"task": "celery.map"}]}]).encode(),
        words="embeds further calls",
    ),
    _intake("no batch", call(wire.INTAKE_TASK, 7), words="carries no batch"),
    _intake("a batch by name", call(wire.INTAKE_TASK, named={"a": 1}), words="version"),
    _intake(
        "a batch of a later version",
        call(wire.INTAKE_TASK, {**_BATCH, "version": 2}),
        words="version 2",
    ),
    _intake(
        "a batch without events",
        call(wire.INTAKE_TASK, {**_BATCH, "events": []}),
        words="1 to 100 events",
    ),
    _intake(
        "a compression that was none",
        call(wire.INTAKE_TASK, _BATCH),
        headers={"compression": "zlib"},
        properties={"content_encoding": "binary"},
        error_type="error",
    ),
    _intake("an id that is a list", call(wire.INTAKE_TASK, _BATCH), headers={"id": [7]}),
    _intake(
        "time limits that are text",
        call(wire.INTAKE_TASK, _BATCH),
        headers={"timelimit": "x"},
        error_type="ValueError",
    ),
    _intake("a time that is none", call(wire.INTAKE_TASK, _BATCH), headers={"eta": "tomorrow"}),
    _intake(
        "a time in the far future",
        call(wire.INTAKE_TASK, _BATCH),
        headers={"eta": "9999-12-31T23:59:59"},
        words="more than an hour",
    ),
    Malformed(name="no headers", body=call("nothing", 7), words="no task"),
    Malformed(
        name="an unknown task",
        body=call("somebody.elses", {}),
        headers={"task": "somebody.elses"},
        words="no task of Paramedic: 'somebody.elses'",
    ),
    Malformed(
        name="a task of Celery's own",
        body=call("celery.map", 1),
        headers={"task": "celery.map"},
        words="no task of Paramedic",
    ),
    Malformed(name="a task that is a list", body=call("x"), headers={"task": [1]}),
    Malformed(name="protocol 1", body=json.dumps(_OLD).encode(), words="'somebody.elses'"),
    _heal("a heal without arguments"),
    _heal("a heal with too many arguments", "shop", None, "third"),
    _heal("a heal of a number", 7, None),
    _heal("a heal with a wrong name", "shop", named={"rev": "main"}),
    Malformed(
        name="a delivery of nothing",
        body=call(topology.DELIVER_TASK, "file", None),
        headers={"task": topology.DELIVER_TASK},
        words="arguments are wrong",
    ),
)


def _envelope(**changes: object) -> bytes:
    """A message as kombu keeps it in Redis, with something wrong."""
    whole: dict[str, object] = {
        "body": "W10=",
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": {"task": wire.INTAKE_TASK, "id": "x"},
        "properties": _PROPERTIES,
    }
    return json.dumps({**whole, **changes}).encode()


_PROPERTIES: dict[str, object] = {
    "delivery_tag": "a-tag",
    "delivery_info": {"exchange": "", "routing_key": wire.INTAKE_QUEUE},
    "body_encoding": "base64",
}

#: Items of a Redis list that are no message of kombu at all.
RAW_ITEMS = {
    "text": b"hello",
    "no utf-8": b"\xff\xfe\x00",
    "nothing": b"",
    "a list": b"[1, 2, 3]",
    "null": b"null",
    "an object": b"{}",
    "nested beyond measure": _DEEP,
    "an object of kombu's that is none": b'{"__type__": "datetime", "__value__": "x"}',
    "properties that are text": _envelope(properties="x"),
    "no delivery tag": _envelope(properties={**_PROPERTIES, "delivery_tag": None}),
    "no delivery info": _envelope(properties={**_PROPERTIES, "delivery_info": {}}),
    "a body that is no base64": _envelope(body="a"),
    "a body encoding that nobody knows": _envelope(
        properties={**_PROPERTIES, "body_encoding": "rot13"}
    ),
    "headers that are null": _envelope(headers=None),
    "headers that are a list": _envelope(headers=[1]),
}
