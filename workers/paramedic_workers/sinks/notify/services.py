"""Speaks to the world by the library apprise, and keeps the secrets of its addresses.

apprise takes a while to import: nothing else imports this module at its top.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from urllib.parse import unquote

from apprise import Apprise, AppriseAsset, NotifyFormat, NotifyType, PersistentStoreMode
from apprise.plugins.base import NotifyBase

from paramedic_workers.errors import DeliveryError
from paramedic_workers.sinks.notify.notes import Message

#: Characters of what a service says against a message.
_WORDS_LENGTH = 300

# It logs the addresses that it cannot read, and every request where all is logged.
logging.getLogger("apprise").propagate = False


@dataclass(frozen=True, repr=False)
class Service:
    """One address of apprise; may be used by several threads."""

    #: The kind of service: `Slack`.
    kind: str
    _url: str

    @classmethod
    def open(cls, url: str) -> Service | None:
        """The service behind an address; None where apprise knows none."""
        plugin = _plugin(url)
        return cls(str(plugin.service_name), url) if plugin else None

    def __repr__(self) -> str:
        """The kind of service alone."""
        return f"Service({self.kind})"

    def send(self, message: Message) -> None:
        """Send a message, as Markdown where the service takes it or HTML.

        Raises:
            DeliveryError: the service did not take it; the reason shows no part of its address.
        """
        # One of its own for each message: a plug-in keeps what it is about in itself.
        if (plugin := _plugin(self._url)) is None:
            raise DeliveryError(self._refusal("its address is not understood any more"))
        is_plain = plugin.resolve_format(NotifyFormat.MARKDOWN) is NotifyFormat.TEXT
        sender = Apprise(asset=plugin.asset)
        sender.add(plugin)
        sent = sender.notify(
            title=message.title,
            body=message.text if is_plain else message.markdown,
            body_format=NotifyFormat.TEXT if is_plain else NotifyFormat.MARKDOWN,
            notify_type=NotifyType(message.tone),
        )
        if not sent:
            said = " ".join(entry.message for entry in sent.logs())
            raise DeliveryError(self._refusal(said or sent.status.name.lower()))

    def _refusal(self, said: str) -> str:
        text = " ".join(_secret_parts(self._url).sub("***", said).split())[:_WORDS_LENGTH]
        return f"{self.kind} did not take the message: {text.rstrip('.')}."


def _plugin(url: str) -> NotifyBase | None:
    return Apprise.instantiate(url, asset=_asset())


def _asset() -> AppriseAsset:
    return AppriseAsset(
        app_id="Paramedic",
        app_desc="Paramedic",
        app_url="",
        # No images, and nothing written to disk.
        image_url_mask="",
        image_path_mask="",
        image_url_logo="",
        storage_mode=PersistentStoreMode.MEMORY,
        async_mode=False,
    )


def _secret_parts(url: str) -> re.Pattern[str]:
    """Matches every part of an address, but its scheme, in whatever text it stands."""
    rest = url.partition("://")[2] or url
    parts = {p for text in (rest, unquote(rest)) for p in re.split(r"[\s/:@?&=,;#]+", text) if p}
    longest_first = sorted(parts, key=len, reverse=True)
    # A short part is only hidden where it is a word of its own: most are none.
    words = [re.escape(p) if len(p) > 5 else rf"(?<!\w){re.escape(p)}(?!\w)" for p in longest_first]
    return re.compile("|".join(words) or r"(?!)")
