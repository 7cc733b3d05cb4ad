"""The client of Jira when answers stay away: what is asked again, and what never is."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from paramedic_workers.errors import (
    DeliveryError,
    DeliveryPostponed,
    SinkUnavailable,
    UnclearDelivery,
)
from paramedic_workers.sinks.jira.client import JiraFailed, JiraRefused
from paramedic_workers.sinks.jira.session import READ_TRIES
from tests.support.jira_clients import CLOUD_URL, FIELDS, TEXT, Act, Jira, Watch, mocked, says

#: Nothing reached Jira.
NOT_SENT = [
    httpx.ConnectError("refused"),
    httpx.ConnectTimeout("no route"),
    httpx.PoolTimeout("busy"),
    httpx.ProxyError("407"),
]
#: Something may have.
LOST = [
    httpx.ReadTimeout("silence"),
    httpx.ReadError("reset"),
    httpx.WriteError("broken pipe"),
    httpx.WriteTimeout("stuck"),
    httpx.RemoteProtocolError("Server disconnected without sending a response."),
]
WRITES: dict[str, Act] = {
    "create": lambda jira: jira.create(FIELDS),
    "comment": lambda jira: jira.comment("SHOP-1", TEXT),
    "attach": lambda jira: jira.attach("SHOP-1", [("heal.log", b"x", "text/plain")]),
    "transition": lambda jira: jira.transition("SHOP-1", "31"),
    "update": lambda jira: jira.update("SHOP-1", {"summary": "s"}),
    "link": lambda jira: jira.link("Duplicate", "SHOP-1", "SHOP-2"),
    "put_remote_link": lambda jira: jira.put_remote_link("SHOP-1", "g", "https://x.example", "t"),
}


@pytest.mark.parametrize("act", WRITES.values(), ids=WRITES.keys())
@pytest.mark.parametrize("error", LOST, ids=lambda error: type(error).__name__)
def test_a_write_without_an_answer_is_unclear_and_sent_once(act: Act, error: Exception) -> None:
    jira = Jira(error)
    with pytest.raises(UnclearDelivery):
        act(mocked(jira))
    assert len(jira.asked) == 1


@pytest.mark.parametrize("act", WRITES.values(), ids=WRITES.keys())
@pytest.mark.parametrize("error", NOT_SENT, ids=lambda error: type(error).__name__)
def test_a_write_that_was_not_sent_is_no_riddle(act: Act, error: Exception) -> None:
    jira = Jira(error)
    with pytest.raises(SinkUnavailable, match="cannot be reached"):
        act(mocked(jira))
    assert len(jira.asked) == 1


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_a_post_over_which_jira_breaks_is_unclear_and_sent_once(status: int) -> None:
    jira = Jira(says({}, status, **{"Retry-After": "1"}))
    with pytest.raises(UnclearDelivery):
        mocked(jira).create(FIELDS)
    assert len(jira.asked) == 1


def test_a_ticket_that_was_made_without_a_readable_answer_is_unclear() -> None:
    jira = Jira(httpx.Response(201, content=b'{"id": "1', headers={"Content-Type": "text/json"}))
    with pytest.raises(UnclearDelivery):
        mocked(jira).create(FIELDS)
    assert len(jira.asked) == 1


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_put_can_be_made_again_so_only_the_sink_rests(status: int) -> None:
    jira = Jira(says({}, status))
    with pytest.raises(SinkUnavailable) as raised:
        mocked(jira).update("SHOP-1", {})
    assert raised.value.retry_after == 15
    assert len(jira.asked) == 1


@pytest.mark.parametrize(
    "trouble", [*NOT_SENT, *LOST, says({}, 502), says({}, 500)], ids=lambda one: type(one).__name__
)
def test_a_read_is_asked_again(trouble: Exception | httpx.Response) -> None:
    watch = Watch()
    jira = Jira(trouble, trouble, says({"accountId": "5b1"}))
    assert mocked(jira, watch=watch).myself().account == "5b1"
    assert len(jira.asked) == READ_TRIES == 3
    assert 0 < sum(watch.waits) < 3


def test_a_search_is_a_read_though_it_is_a_post() -> None:
    jira = Jira(httpx.ReadTimeout("silence"), says({"issues": []}))
    assert list(mocked(jira).search("key = S-1")) == []
    assert len(jira.asked) == 2


def test_a_read_is_not_asked_for_ever() -> None:
    jira = Jira(httpx.ReadTimeout("silence"))
    with pytest.raises(SinkUnavailable):
        mocked(jira).myself()
    assert len(jira.asked) == READ_TRIES


def test_an_away_jira_says_itself_how_long() -> None:
    jira = Jira(says({}, 503, **{"Retry-After": "77"}))
    with pytest.raises(SinkUnavailable) as raised:
        mocked(jira).myself()
    assert raised.value.retry_after == 77
    assert len(jira.asked) == 1


def test_where_jira_breaks_over_one_request_only_that_delivery_fails() -> None:
    jira = Jira(*[says({}, 500)] * 3, says({"baseUrl": CLOUD_URL}))
    with pytest.raises(JiraFailed) as raised:
        mocked(jira).issue("SHOP-1")
    assert raised.value.transient
    assert jira.paths[-1].endswith("/serverInfo")


def test_where_jira_breaks_over_everything_the_sink_rests() -> None:
    acts: list[Act] = [WRITES["update"], lambda jira: jira.issue("SHOP-1")]
    for act in acts:
        with pytest.raises(SinkUnavailable):
            act(mocked(Jira(says({}, 500))))


def test_a_page_in_place_of_an_answer_is_no_jira() -> None:
    page = httpx.Response(200, html="<html>Please log in</html>")
    with pytest.raises(SinkUnavailable, match="No Jira answers") as raised:
        mocked(Jira(page)).myself()
    assert raised.value.retry_after == 300


def test_json_of_an_unknown_form_fails_this_delivery_only() -> None:
    with pytest.raises(DeliveryError, match="unknown form") as raised:
        mocked(Jira(says({"comments": "none"}))).comments("SHOP-1")
    assert not raised.value.transient
    assert not isinstance(raised.value, SinkUnavailable | JiraRefused)


# The time of a delivery


def test_no_request_begins_when_the_time_is_over() -> None:
    watch = Watch()
    jira = Jira(httpx.Response(204))
    client = mocked(jira, watch=watch)
    with client.within(30), client.within(3_600):
        client.update("SHOP-1", {})
        watch.now += 26.5
        with pytest.raises(DeliveryPostponed):
            client.update("SHOP-1", {})
    assert len(jira.asked) == 1
    client.update("SHOP-1", {})
    assert len(jira.asked) == 2


def test_a_request_waits_no_longer_than_is_left() -> None:
    jira = Jira(says({}))
    client = mocked(jira)
    client.myself()
    with client.within(20):
        client.myself()
    steps = [one.extensions["timeout"] for one in jira.asked]
    assert [step["read"] for step in steps] == [20, 5]
    assert [step["connect"] for step in steps] == [10, 5]
    assert sum(steps[1][name] for name in ("connect", "write", "read", "read")) <= 20


def test_an_answer_that_never_ends_is_not_waited_for() -> None:
    watch = Watch()

    def drip() -> Iterator[bytes]:
        for _ in range(1_000):
            watch.now += 1
            yield b" "

    client = mocked(lambda _: httpx.Response(200, content=drip()), watch=watch)
    began = watch.now
    with pytest.raises(SinkUnavailable, match="too long"), client.within(150):
        client.myself()
    assert watch.now - began < 150


def test_reads_stop_trying_when_the_time_is_over() -> None:
    client = mocked(Jira(httpx.ReadTimeout("silence")), watch=Watch())
    with client.within(4.1), pytest.raises(DeliveryPostponed):
        client.myself()


def test_writes_to_one_ticket_are_paced_and_others_are_not() -> None:
    watch = Watch()
    client = mocked(Jira(httpx.Response(204)), watch=watch)
    for _ in range(10):
        client.update("SHOP-1", {})
    client.update("SHOP-2", {})
    assert watch.waits == []
    client.update("SHOP-1", {})
    assert watch.waits == [2.0]
