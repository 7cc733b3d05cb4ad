"""One JSON document for one JSON document, each with its length in front, over two pipes."""

from __future__ import annotations

import json
import os
import select
import struct
import time
from typing import Any

#: Bytes that one document may have: what comes from the target is not trusted.
LARGEST_DOCUMENT = 64 << 20

_LENGTH = struct.Struct("<I")


class Closed(Exception):
    """The other side is gone."""


class Channel:
    """One end of a conversation."""

    def __init__(self, reader: int, writer: int) -> None:
        """Take over two open file descriptors."""
        self.reader = reader
        self.writer = writer

    def send(self, document: bytes) -> None:
        """Write one document.

        Raises:
            Closed: the other side is gone.
        """
        data = memoryview(_LENGTH.pack(len(document)) + document)
        while data:
            try:
                written = os.write(self.writer, data)
            except OSError as error:
                raise Closed(str(error)) from error
            data = data[written:]

    def receive(self, timeout: float | None = None) -> bytes:
        """The next document.

        Args:
            timeout: seconds to wait for all of it; None: for ever.

        Raises:
            Closed: the other side is gone, or does not keep to the format.
            TimeoutError: it did not come in time.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        (length,) = _LENGTH.unpack(self._read(_LENGTH.size, deadline))
        if length > LARGEST_DOCUMENT:
            raise Closed(f"a document of {length} bytes is too large")
        return self._read(length, deadline)

    def send_object(self, value: Any) -> None:
        """Write one value as JSON."""
        self.send(json.dumps(value, ensure_ascii=True).encode("ascii"))

    def receive_object(self) -> Any:
        """Wait for the next document, decoded."""
        return json.loads(self.receive())

    def close(self) -> None:
        """Close both pipes."""
        os.close(self.reader)
        os.close(self.writer)

    def _read(self, size: int, deadline: float | None) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            if deadline is not None:
                _await_readable(self.reader, deadline)
            part = os.read(self.reader, min(size - len(parts), 1 << 20))
            if not part:
                raise Closed("the other side is gone")
            parts += part
        return bytes(parts)


def _await_readable(descriptor: int, deadline: float) -> None:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN | select.POLLHUP)
    left = max(0.0, deadline - time.monotonic())
    if not poll.poll(left * 1000):
        raise TimeoutError("no answer in time")
