"""Signs webhooks, and tells those that receive them whether they are ours.

The scheme is that of Standard Webhooks (https://www.standardwebhooks.com), for which there
are libraries in most languages. A request carries three headers:

    webhook-id          the same for each repeat of a message
    webhook-timestamp   when it was sent, in whole seconds since 1970
    webhook-signature   `v1,` and the signature; several, with a space between them, while a
                        secret is being replaced

What is signed, by HMAC-SHA256, is `<id>.<timestamp>.<body>`. A secret is `whsec_` and 24 to
64 bytes in base64.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Mapping, Sequence

ID_HEADER = "webhook-id"
TIMESTAMP_HEADER = "webhook-timestamp"
SIGNATURE_HEADER = "webhook-signature"

#: Seconds that sender's and receiver's clocks may differ; older requests may be replays.
TOLERANCE = 300.0

_PREFIX = "whsec_"
_VERSION = "v1"


class InvalidWebhook(Exception):
    """The request is not what it claims to be."""


def verify(
    body: bytes,
    headers: Mapping[str, str],
    secrets: Sequence[str],
    *,
    tolerance: float = TOLERANCE,
    present: float | None = None,
) -> str:
    """Tell whether a request was signed with one of these secrets, lately.

    Args:
        body: as it was received, byte for byte, before any parsing.
        headers: of the request; the case of their names does not matter.
        secrets: those that are valid; several while one is being replaced.
        tolerance: seconds that the request may be old, or ahead.
        present: seconds since 1970; the clock's where None.

    Returns:
        The id of the message. One that was received before is a repeat: acknowledge it, and
        do nothing.

    Raises:
        InvalidWebhook: it is not, or a header is missing.
        ValueError: a secret is none.
    """
    known = {name.lower(): value for name, value in headers.items()}
    message_id, stamp, signatures = (
        _header(known, name) for name in (ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER)
    )
    _demand_fresh(stamp, tolerance, time.time() if present is None else present)
    right = [sign(secret, message_id, int(stamp), body).encode() for secret in secrets]
    given = [signature.encode() for signature in signatures.split(" ")]
    if not any(hmac.compare_digest(one, other) for one in right for other in given):
        raise InvalidWebhook("The signature is wrong.")
    return message_id


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The signature of a message, as it stands in the header.

    Args:
        secret: `whsec_` and base64.
        message_id: the same for each repeat.
        timestamp: seconds since 1970.
        body: as it is sent.

    Raises:
        ValueError: the secret is none.
    """
    signed = b"%s.%d." % (message_id.encode(), timestamp) + body
    digest = hmac.new(secret_bytes(secret), signed, hashlib.sha256).digest()
    return f"{_VERSION},{base64.b64encode(digest).decode()}"


def secret_bytes(secret: str) -> bytes:
    """The key that a secret stands for.

    Raises:
        ValueError: it is no secret; the message does not show it.
    """
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(_PREFIX) or not 24 <= len(key) <= 64:
        raise ValueError(f"a secret is {_PREFIX} and 24 to 64 bytes in base64") from None
    return key


def _header(headers: Mapping[str, str], name: str) -> str:
    if not (value := headers.get(name, "").strip()):
        raise InvalidWebhook(f"The header {name} is missing.")
    return value


def _demand_fresh(stamp: str, tolerance: float, present: float) -> None:
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 20):
        raise InvalidWebhook(f"The header {TIMESTAMP_HEADER} is no time.")
    if abs(present - int(stamp)) > tolerance:
        raise InvalidWebhook("The request is too old, or a clock is wrong.")
