"""What answers of Jira mean: who waits how long, and what a person can do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from paramedic_workers.errors import DeliveryPostponed, SinkUnavailable
from paramedic_workers.sinks.jira.client import JiraRefused
from paramedic_workers.sinks.jira.limits import LimitReason, WritePace, limit_pause, limit_reason
from paramedic_workers.sinks.jira.refusals import SAID_LENGTH
from tests.support.jira_clients import FIELDS, Act, Watch, mocked

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
WRITE_AND_READ: list[Act] = [
    lambda jira: jira.update("SHOP-1", {}),
    lambda jira: jira.issue("SHOP-1"),
]


def refused(status: int, body: Any = None, **headers: str) -> JiraRefused:
    """What a refusal of a new ticket says."""
    answer = httpx.Response(status, json=body if body is not None else {}, headers=headers)
    with pytest.raises(JiraRefused) as raised:
        mocked(lambda _: answer).create(FIELDS)
    return raised.value


# Pages for people


def test_a_page_in_the_place_of_jira_says_nothing_of_tickets() -> None:
    """So answers the server of a Data Center that is being started, whatever it is asked."""
    jira = mocked(lambda _: httpx.Response(404, html="<h1>HTTP Status 404</h1>"))
    asks: list[Act] = [*WRITE_AND_READ, lambda jira: jira.create(FIELDS)]
    for ask in asks:
        with pytest.raises(SinkUnavailable, match="No Jira answers"):
            ask(jira)


def test_a_page_for_one_request_is_a_refusal_while_jira_is_well() -> None:
    """A firewall that minds one text must not keep all others waiting."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/serverInfo"):
            return httpx.Response(200, json={"version": "9.12"})
        return httpx.Response(403, html="<h1>Blocked</h1>")

    with pytest.raises(JiraRefused):
        mocked(answer).create(FIELDS)


# Refusals


def test_a_refusal_names_the_field_and_the_setting() -> None:
    body = {"errorMessages": [], "errors": {"components": "Component name 'Cart' is not valid."}}
    error = refused(400, body)
    assert not error.transient
    assert error.status == 400
    assert error.fields == {"components": "Component name 'Cart' is not valid."}
    assert str(error) == (
        "Jira refused to make a ticket in SHOP (400): components: Component name 'Cart' is not "
        "valid. components comes from `components` in [sinks.jira]. `paramedic jira check` shows "
        "what the project takes."
    )


def test_a_refused_custom_field_leads_to_its_table() -> None:
    error = refused(400, {"errors": {"customfield_10042": "Team is required."}})
    assert "customfield_10042 is set in [sinks.jira.fields]." in str(error)


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (400, "paramedic jira check"),
        (403, "Create Issues"),
        (404, "Browse Projects"),
        (410, "newer Paramedic"),
        (413, "attachments"),
    ],
)
def test_each_refusal_says_what_can_be_done(status: int, remedy: str) -> None:
    error = refused(status, {"errorMessages": ["No."], "errors": {}})
    assert error.messages == ("No.",)
    assert f"({status}): No." in str(error)
    assert remedy in error.remedy
    assert not error.transient


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>Forbidden</html>", b"[1]", b'"no"', b"\xff\xfe", b'{"errors": 7}', b"[" * 9_000],
)
def test_a_refusal_without_words_still_says_something(body: bytes) -> None:
    with pytest.raises(JiraRefused, match=r"Jira refused to make a ticket in SHOP \(403\): \w"):
        mocked(lambda _: httpx.Response(403, content=body)).create(FIELDS)


def test_what_jira_says_is_one_line_of_bounded_length() -> None:
    odd = {f"field{number}": "line\nline\x1b[31m" * 500 for number in range(500)}
    error = refused(400, {"errorMessages": ["a\r\nb" * 5_000], "errors": odd})
    assert str(error).isprintable()
    assert len(error.message) < SAID_LENGTH + 100
    assert len(error.fields) <= 20
    assert all(text.isprintable() and len(text) <= SAID_LENGTH for text in error.fields.values())


# Credentials


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, ""),
        (401, "OK"),
        (403, "AUTHENTICATION_DENIED"),
        (404, "AUTHENTICATED_FAILED"),
        (200, "AUTHENTICATED_FAILED"),
    ],
)
def test_wrong_credentials_rest_the_sink_and_never_look_like_a_missing_ticket(
    status: int, reason: str
) -> None:
    headers = {"X-Seraph-LoginReason": reason} if reason else {}
    client = mocked(lambda _: httpx.Response(status, json={"issues": []}, headers=headers))
    for ask in (lambda: client.issue("SHOP-1"), lambda: list(client.search("labels = x"))):
        with pytest.raises(SinkUnavailable, match="token") as raised:
            ask()
        assert raised.value.retry_after >= 60
        assert "paramedic jira check" in raised.value.remedy


def test_a_missing_permission_is_no_wrong_token() -> None:
    assert refused(403, **{"X-Seraph-LoginReason": "OK"}).status == 403


# Limits


@pytest.mark.parametrize(
    ("reason", "error", "usual"),
    [
        ("jira-burst-based", SinkUnavailable, 5),
        ("jira-per-issue-on-write", DeliveryPostponed, 30),
        ("jira-quota-global-based", SinkUnavailable, 600),
        ("jira-quota-tenant-based", SinkUnavailable, 600),
        ("something-new", SinkUnavailable, 30),
        ("", SinkUnavailable, 30),
    ],
)
def test_a_limit_stops_what_it_is_about(
    reason: str, error: type[SinkUnavailable | DeliveryPostponed], usual: float
) -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(429, headers=headers)

    headers = {"RateLimit-Reason": reason} if reason else {}
    for told, pause in (({}, usual), ({"Retry-After": "17"}, 17)):
        headers |= told
        for act in WRITE_AND_READ:
            with pytest.raises(error) as raised:
                act(mocked(answer))
            assert raised.value.retry_after == pause
    assert len(asked) == 4, "a limit is not asked again at once"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "12"}, 12),
        ({"Retry-After": "0"}, 1),
        ({"Retry-After": "-5"}, 30),
        ({"Retry-After": "999999"}, 3600),
        ({"Retry-After": "nan"}, 30),
        ({"Retry-After": "inf"}, 30),
        ({"Retry-After": "soon"}, 30),
        ({"Retry-After": format_datetime(NOW + timedelta(seconds=40), usegmt=True)}, 40),
        ({"Retry-After": format_datetime(NOW - timedelta(seconds=40), usegmt=True)}, 1),
        ({"X-RateLimit-Reset": "2026-03-02T10:01Z"}, 60),
        ({"X-RateLimit-Reset": "2026-03-02T09:00Z"}, 1),
        ({"X-RateLimit-Reset": "yesterday"}, 30),
        ({"Retry-After": "7", "X-RateLimit-Reset": "2026-03-02T10:01Z"}, 7),
        ({}, 30),
    ],
)
def test_the_pause_is_what_jira_says_within_reason(headers: dict[str, str], seconds: float) -> None:
    assert limit_pause(httpx.Headers(headers), NOW) == seconds


def test_the_reason_is_read_in_any_case() -> None:
    headers = httpx.Headers({"ratelimit-reason": " Jira-Per-Issue-On-Write "})
    assert limit_reason(headers) is LimitReason.PER_ISSUE


def test_somebody_else_writing_postpones_this_delivery_only() -> None:
    with pytest.raises(DeliveryPostponed) as raised:
        mocked(lambda _: httpx.Response(409)).transition("SHOP-1", "31")
    assert raised.value.retry_after == 5


# The pace of writes


def test_no_two_seconds_see_more_than_half_of_what_jira_allows_one_ticket() -> None:
    watch = Watch()
    pace = WritePace(watch)
    sent = []
    for _ in range(130):
        watch.sleep(pace.book("SHOP-1"))
        sent.append(watch.now)
    for count, span in ((10, 2.0), (50, 30.0)):
        gaps = [later - earlier for earlier, later in zip(sent, sent[count:], strict=False)]
        assert min(gaps) >= span - 1e-9
    assert sent[-1] - sent[0] < 65, "and no slower than that"


def test_many_tickets_are_not_remembered_for_ever() -> None:
    pace = WritePace(Watch())
    assert sum(pace.book(f"SHOP-{number}") for number in range(5_000)) == 0
    assert len(pace._written) <= 1_000
