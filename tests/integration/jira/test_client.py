"""The client on real sockets, against the stand-in for Jira."""

from __future__ import annotations

import os
import socket
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from paramedic_workers.errors import DeliveryPostponed, SinkUnavailable, UnclearDelivery
from paramedic_workers.sinks.jira.answers import StatusCategory
from paramedic_workers.sinks.jira.client import JiraClient, JiraRefused
from paramedic_workers.sinks.jira.jql import labelled
from paramedic_workers.sinks.jira.settings import JiraKind
from tests.support.jira import TOKEN, StandInJira
from tests.support.jira_clients import TEXT, Act, connected
from tests.support.jira_contract import judging

FIELDS = {
    "project": {"key": "SHOP"},
    "issuetype": {"name": "Bug"},
    "summary": "It fails",
    "labels": ["paramedic-1"],
}


@contextmanager
def client_of(
    jira: StandInJira, timeout: float = 20.0, judged: bool = False
) -> Iterator[JiraClient]:
    transport = judging(httpx.HTTPTransport()) if judged else None
    with connected(jira.url, jira.kind, TOKEN, transport=transport, timeout=timeout) as client:
        yield client


def test_the_life_of_a_ticket_keeps_the_contract_on_both_sides(any_jira: StandInJira) -> None:
    cloud = any_jira.kind is JiraKind.CLOUD
    with client_of(any_jira, judged=cloud) as client:
        made = client.create(FIELDS | {"description": client.text(TEXT)}, {"paramedic": {"a": 1}})
        other = client.create(FIELDS)
        client.update(made.key, {"summary": "Still"}, {"labels": [{"add": "x"}]})
        client.comment(made.key, TEXT, {"paramedic": {"result": "1"}})
        client.attach(made.key, [("heal.log", b"log\r\n\x00--", "text/plain")])
        client.put_remote_link(made.key, "paramedic:branch", "https://x.example", "Branch")
        client.link("Duplicate", other.key, made.key)
        client.update(made.key, {}, properties={"paramedic": {"a": 2}})
        done = [way for way in client.transitions(made.key) if way.to.name == "Done"]
        client.transition(made.key, done[0].id)
        read = ("summary", "status", "labels", "attachment")
        issue = client.issue(made.key, read, ("paramedic",))
        assert issue is not None
        assert (issue.summary, issue.labels) == ("Still", ("paramedic-1", "x"))
        assert issue.status.category is StatusCategory.DONE
        assert issue.properties["paramedic"] == {"a": 2}
        assert client.download(issue.attachments[0]) == b"log\r\n\x00--"
        assert [link.other for link in any_jira.tickets[made.key].links] == [other.id]
        assert client.comments(made.key)[0].properties == {"paramedic": {"result": "1"}}
        found = client.search(labelled("paramedic-1"), reconcile=[made.id, other.id])
        assert [one.key for one in found] == [made.key, other.key]
        for ask in (client.myself, client.server, client.fields, client.link_types):
            ask()
        types = {kind.name: kind.id for kind in client.issue_types("SHOP")}
        assert "summary" in {one.field_id for one in client.create_fields("SHOP", types["Bug"])}
        assert "Bug" in {kind.name for kind in client.statuses("SHOP")}
        assert client.permissions("SHOP", ["CREATE_ISSUES"]) == {"CREATE_ISSUES": True}
        assert client.issue("SHOP-999") is None
        with pytest.raises(JiraRefused, match="components"):
            client.create(FIELDS | {"components": [{"name": "None"}]})


def test_a_ticket_that_moved_is_found_by_its_old_key_and_its_id(jira: StandInJira) -> None:
    with client_of(jira) as client:
        made = client.create(FIELDS)
        moved = jira.move(made.key, "OPS").key
        found = [client.issue(made.key), client.issue(made.id), client.issue(moved)]
        assert [issue.key for issue in found if issue] == [moved] * 3


WRITES: dict[str, Act] = {
    "POST": lambda client: client.create(FIELDS),
    "PUT": lambda client: client.update("SHOP-1", {"summary": "Still"}),
}


@pytest.mark.parametrize("method", WRITES)
@pytest.mark.parametrize("after", [False, True])
def test_a_dropped_connection_makes_a_write_unclear_and_never_repeats_it(
    jira: StandInJira, method: str, after: bool
) -> None:
    with client_of(jira) as client:
        client.create(FIELDS)
        drop = jira.faults.drop_after if after else jira.faults.drop_before
        drop(method=method)
        before = len(jira.asked(method))
        with pytest.raises(UnclearDelivery):
            WRITES[method](client)
        assert len(jira.asked(method)) == before + 1
    assert len(jira.tickets) == (2 if method == "POST" and after else 1)


def test_a_dropped_connection_only_costs_a_read_another_try(jira: StandInJira) -> None:
    jira.faults.drop_before(times=2)
    with client_of(jira) as client:
        assert client.myself().display_name


def test_a_slow_write_is_unclear_and_a_slow_read_is_given_up(jira: StandInJira) -> None:
    with client_of(jira, timeout=0.2) as client:
        with jira.faults.hold(path="/issue$"), pytest.raises(UnclearDelivery):
            client.create(FIELDS)
        with jira.faults.hold(path="/issue/SHOP-1$"):
            assert client.issue("SHOP-1") is not None, "the second try is not held"
    assert len(jira.tickets) == 1


def test_a_jira_that_is_away_has_done_nothing(jira: StandInJira) -> None:
    with client_of(jira) as client:
        client.create(FIELDS)
        with jira.down():
            for act in (*WRITES.values(), JiraClient.myself):
                with pytest.raises(SinkUnavailable, match="cannot be reached"):
                    act(client)
        client.create(FIELDS)
    assert len(jira.tickets) == 2


def test_limits_are_told_apart(jira: StandInJira) -> None:
    with client_of(jira) as client:
        client.create(FIELDS)
        jira.faults.too_many("jira-per-issue-on-write", 7, method="PUT")
        with pytest.raises(DeliveryPostponed) as postponed:
            WRITES["PUT"](client)
        jira.faults.too_many("jira-burst-based", None)
        with pytest.raises(SinkUnavailable) as away:
            client.issue("SHOP-1")
    assert (postponed.value.retry_after, away.value.retry_after) == (7, 5)


def test_a_wrong_token_is_told_as_such(jira: StandInJira) -> None:
    with (
        connected(jira.url, jira.kind, "wrong") as client,
        pytest.raises(SinkUnavailable, match="does not know us") as raised,
    ):
        client.issue("SHOP-1")
    assert raised.value.retry_after >= 60


def test_many_threads_share_one_client(jira: StandInJira) -> None:
    with client_of(jira) as client:
        made = client.create(FIELDS)
        threads = [
            threading.Thread(target=client.update, args=(made.key, {}, {}, {f"p{number}": number}))
            for number in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        noted = client.issue(made.id, (), [f"p{number}" for number in range(8)])
    assert noted is not None
    assert len(noted.properties) == 8


def test_a_forked_process_has_connections_of_its_own(jira: StandInJira) -> None:
    with client_of(jira) as client:
        made = client.create(FIELDS)
        exchange = client._session._exchange
        before = exchange._client
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
            child = os.fork()
        if not child:
            try:
                client.update(made.key, {"summary": "child"})
                os._exit(0 if exchange._client is not before else 2)
            finally:
                os._exit(1)
        client.update(made.key, {"priority": {"name": "High"}})
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert exchange._client is before
        issue = client.issue(made.key)
        assert issue is not None
        assert (issue.summary, issue.priority) == ("child", "High")


def test_an_answer_that_breaks_off_is_asked_for_again_or_unclear() -> None:
    answer = (
        b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
    )
    with _cut_off(answer) as (url, asked), connected(url, JiraKind.CLOUD, TOKEN) as client:
        with pytest.raises(UnclearDelivery):
            client.create(FIELDS)
        assert len(asked) == 1
        with pytest.raises(SinkUnavailable, match=r"broke off|did not answer"):
            client.myself()
        assert len(asked) == 4


@contextmanager
def _cut_off(answer: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """A server that says this to everybody, and goes away."""
    asked: list[bytes] = []
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                asked.append(connection.recv(65_536))
                connection.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}", asked
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(5)
