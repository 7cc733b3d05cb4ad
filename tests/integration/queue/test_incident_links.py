"""Tags that are web addresses become links of the incident."""

from __future__ import annotations

from paramedic_workers import keys
from tests.support.queueing import Flow, make_batch, make_event

SENTRY = "https://sentry.shop.example/issues/7"


def links(flow: Flow, **tags: str) -> dict[str, str]:
    """The links of the only incident after an event with these tags."""
    flow.fail("test_a", tags=tags)
    (incident,) = flow.ledger.incidents()
    return flow.ledger.links_of(incident.fingerprint)


def test_addresses_are_kept_and_other_tags_are_not(flow: Flow) -> None:
    tags = {
        "sentry": SENTRY,
        "when": "call",
        "js": "javascript:x",
        "two": "https://a b",
        "": SENTRY,
    }
    assert links(flow, **tags) == {"sentry": SENTRY}


def test_credentials_in_an_address_are_taken_out(flow: Flow) -> None:
    found = links(flow, run="https://ada:s3cret@ci.shop.example/1?token=s3cret")
    assert found == {"run": "https://ci.shop.example/1?token=***"}


def test_events_of_one_batch_and_later_ones_add_to_them(flow: Flow) -> None:
    events = [make_event(flow.clock(), "test_a", tags={f"run {n}": SENTRY}) for n in range(2)]
    flow.intake.record([make_batch(*events)], "message")
    assert links(flow, sentry=SENTRY) == {"run 0": SENTRY, "run 1": SENTRY, "sentry": SENTRY}
    assert links(flow, sentry=f"{SENTRY}0")["sentry"] == f"{SENTRY}0", "the last one counts"


def test_there_is_a_bound(flow: Flow) -> None:
    many = {f"run {n:02}": SENTRY for n in range(keys.MAX_LINKS + 5)}
    assert len(links(flow, **many)) == keys.MAX_LINKS
    assert "run 99" not in links(flow, **{"run 99": SENTRY})
