"""For tests of your own use of Paramedic: a transport that keeps messages in memory."""

from __future__ import annotations

from collections.abc import Sequence

from paramedic.event import FailureEvent
from paramedic.transport import TransportError
from paramedic.wire import Message, events_of


class MemoryTransport:
    """Takes the place of the broker: `Publisher("shop", transport=MemoryTransport())`."""

    def __init__(self) -> None:
        """Begin empty, and ready to take messages."""
        #: Every message that was taken, oldest first.
        self.messages: list[Message] = []
        #: Set to False to see what happens while the broker is away.
        self.available = True

    @property
    def events(self) -> list[FailureEvent]:
        """The events in all messages, oldest first."""
        return [event for message in self.messages for event in events_of(message)]

    def send(self, messages: Sequence[Message]) -> None:
        """Keep these messages.

        Raises:
            TransportError: `available` is false.
        """
        if not self.available:
            raise TransportError("The broker in memory is set to be away")
        self.messages.extend(messages)

    def close(self) -> None:
        """Do nothing: there is no connection."""
