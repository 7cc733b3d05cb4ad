"""Webhooks are signed as Standard Webhooks says, and what is not signed so is refused."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paramedic.webhooks import InvalidWebhook, secret_bytes, sign, verify

# The example of the scheme's own test suites.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID, STAMP, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
OTHER = "whsec_" + base64.b64encode(b"x" * 32).decode()


def headers(**changes: str) -> dict[str, str]:
    usual = {"Webhook-Id": ID, "Webhook-Timestamp": str(STAMP), "Webhook-Signature": SIGNATURE}
    return {**usual, **{name.replace("_", "-"): value for name, value in changes.items()}}


def test_the_example_of_the_scheme_is_signed_and_verified() -> None:
    assert sign(SECRET, ID, STAMP, BODY) == SIGNATURE
    assert verify(BODY, headers(), [SECRET], present=STAMP + 10) == ID


def test_while_a_secret_is_replaced_either_side_may_know_both() -> None:
    both = f"{sign(OTHER, ID, STAMP, BODY)} {SIGNATURE}"
    assert verify(BODY, headers(Webhook_Signature=both), [SECRET], present=STAMP) == ID
    assert verify(BODY, headers(), [OTHER, SECRET], present=STAMP) == ID


@pytest.mark.parametrize(
    ("changes", "body", "present", "complaint"),
    [
        ({}, BODY + b" ", 0, "signature"),
        ({"Webhook_Id": "msg_other"}, BODY, 0, "signature"),
        ({"Webhook_Timestamp": str(STAMP + 1)}, BODY, 0, "signature"),
        ({"Webhook_Signature": SIGNATURE.replace("v1", "v1a")}, BODY, 0, "signature"),
        ({"Webhook_Signature": "v1,ü"}, BODY, 0, "signature"),
        ({"Webhook_Signature": ""}, BODY, 0, "webhook-signature is missing"),
        ({"Webhook_Timestamp": "-1"}, BODY, 0, "no time"),
        ({"Webhook_Timestamp": "١"}, BODY, 0, "no time"),
        ({"Webhook_Timestamp": "9" * 5000}, BODY, 0, "no time"),
        ({}, BODY, 301, "too old"),
        ({}, BODY, -301, "too old"),
    ],
)
def test_what_is_not_ours_is_refused(
    changes: dict[str, str], body: bytes, present: int, complaint: str
) -> None:
    with pytest.raises(InvalidWebhook, match=complaint):
        verify(body, headers(**changes), [SECRET], present=STAMP + present)


def test_another_secret_verifies_nothing() -> None:
    with pytest.raises(InvalidWebhook):
        verify(BODY, headers(), [OTHER], present=STAMP)
    with pytest.raises(InvalidWebhook):
        verify(BODY, headers(), [], present=STAMP)


@pytest.mark.parametrize("secret", ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_ü"])
def test_what_is_no_secret_is_not_shown(secret: str) -> None:
    with pytest.raises(ValueError, match="24 to 64 bytes") as caught:
        secret_bytes(secret)
    assert not secret.removeprefix("whsec_") or secret.removeprefix("whsec_") not in str(caught)


@given(st.binary(max_size=200), st.text(st.characters(codec="utf-8"), min_size=1, max_size=50))
def test_whatever_is_signed_is_verified(body: bytes, message_id: str) -> None:
    name = message_id.strip() or "m"
    signature = sign(SECRET, name, STAMP, body)
    sent = headers(Webhook_Id=name, Webhook_Signature=signature)
    assert verify(body, sent, [SECRET], present=STAMP) == name
