"""The sink `notify` on a real ledger, with real receivers of HTTP and mail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis
from structlog.testing import capture_logs

from paramedic_workers import keys
from paramedic_workers.connections import state_client
from paramedic_workers.errors import DeliveryError, Verdict
from paramedic_workers.results import Result
from paramedic_workers.sinks import SinkContext
from paramedic_workers.sinks.notify import memory
from paramedic_workers.sinks.notify.memory import ChannelMemory
from paramedic_workers.sinks.notify.notes import note_of
from paramedic_workers.sinks.notify.settings import ChannelSettings, NotifySettings
from paramedic_workers.sinks.notify.sink import NotifySink
from tests.support.queueing import FakeClock, make_settings
from tests.support.receivers import HttpReceiver, http_receiver, mail_receiver
from tests.support.results import make_result, make_unhealed


@pytest.fixture(scope="module")
def server() -> Iterator[HttpReceiver]:
    with http_receiver() as receiver:
        yield receiver


@pytest.fixture
def receiver(server: HttpReceiver) -> HttpReceiver:
    server.requests.clear()
    server.answers.clear()
    return server


@pytest.fixture
def client(broker_url: str) -> Iterator[redis.Redis]:
    with state_client(broker_url) as opened:
        yield opened


class Team:
    """The sink with one channel, `team`, which posts to the receiver."""

    def __init__(self, client: redis.Redis, receiver: HttpReceiver, **rules: Any) -> None:
        self.client, self.receiver, self.clock = client, receiver, FakeClock()
        self.sink = self.opened(rules)

    def opened(self, rules: dict[str, Any], zone: str = "UTC") -> NotifySink:
        url = self.receiver.url.replace("http", "json") + "/team"
        channels = {"team": ChannelSettings(**{"url": url, **rules})}
        settings = NotifySettings(channels=channels, zone=zone)
        return open_sink(settings, self.client, self.clock)

    def deliver(self, *results: Result) -> None:
        for result in results:
            self.sink.deliver(result)

    def deliver_and_tend(self, *results: Result) -> None:
        self.deliver(*results)
        self.tend_after(60)

    def tend_after(self, seconds: float) -> None:
        self.clock.forward(seconds)
        self.sink.tend()

    @property
    def titles(self) -> list[str]:
        return [json.loads(request.body)["title"] for request in self.receiver.requests]


def open_sink(settings: NotifySettings, client: redis.Redis, clock: FakeClock) -> NotifySink:
    return NotifySink.open_connected(
        settings, SinkContext(settings=make_settings(), client=client, clock=clock)
    )


def incidents(number: int, **changes: Any) -> list[Result]:
    """Results of so many incidents."""
    names = [f"{n:020x}" for n in range(number)]
    return [make_result(incident=name, fingerprint=name, **changes) for name in names]


HEALED = "[HEALED] shop: `-` in place of `+` in shop.prices.discounted"


def test_a_result_is_told_once(client: redis.Redis, receiver: HttpReceiver) -> None:
    team, result = Team(client, receiver, repeat_seconds=0.0), make_result()
    team.deliver(result, result)
    assert team.titles == [HEALED]
    told = json.loads(receiver.requests[0].body)
    assert told["type"] == "success"
    assert "**Cause:** `AssertionError: assert 2500 == 1500`" in told["message"]
    assert told["attachments"] == []


def test_mail_is_sent_to_people_with_html(client: redis.Redis) -> None:
    with mail_receiver() as mails:
        url = f"mailto://127.0.0.1:{mails.port}?from=paramedic@shop.example&to=ada@shop.example"
        settings = NotifySettings(channels={"mail": ChannelSettings(url=url)})
        open_sink(settings, client, FakeClock()).deliver(make_result())
        (mail,) = mails.mails
    assert mail["subject"] == HEALED
    assert mail["to"].addresses[0].addr_spec == "ada@shop.example"
    body = mail.get_body(("html",))
    assert body is not None
    assert "<code>AssertionError: assert 2500 == 1500</code>" in body.get_content()
    assert list(mail.iter_attachments()) == []


def test_verdicts_and_targets_that_are_not_asked_for_are_not_told(
    client: redis.Redis, receiver: HttpReceiver
) -> None:
    team = Team(client, receiver, verdicts=(Verdict.FAILED,), targets=("shop",))
    team.deliver(make_result(), make_unhealed())
    team.deliver(make_unhealed(verdict=Verdict.FAILED, target="other", incident="a" * 20))
    assert team.titles == []
    team.deliver(make_unhealed(verdict=Verdict.FAILED))
    assert len(team.titles) == 1


def test_what_says_the_same_again_is_not_told_again(
    client: redis.Redis, receiver: HttpReceiver
) -> None:
    team = Team(client, receiver)
    team.deliver(make_unhealed(), make_unhealed(), make_result(), make_unhealed())
    assert len(team.titles) == 3
    every = Team(client, receiver, repeat_seconds=0.0)
    every.deliver(make_unhealed(), make_unhealed())
    assert len(team.titles) == 5


def test_in_quiet_hours_nothing_is_sent_and_after_them_all_in_one(
    client: redis.Redis, receiver: HttpReceiver
) -> None:
    team = Team(client, receiver)
    team.sink = team.opened({"quiet": "14:00-16:00"}, zone="Europe/Vienna")  # it is 14:00 there
    team.deliver(*incidents(2), make_unhealed())
    team.tend_after(3600)
    assert team.titles == []
    team.clock.forward(3600)
    team.deliver(make_result())  # it is loud again, but what came before it has its turn
    assert team.titles == []
    team.sink.tend()
    assert team.titles == ["[PARAMEDIC] 4 results: 3 healed, 1 unhealed"]
    team.tend_after(60)
    team.deliver(make_result(patch="another"))
    assert team.titles[1:] == [HEALED]


def test_a_digest_that_is_due_in_quiet_hours_comes_after_them(
    client: redis.Redis, receiver: HttpReceiver
) -> None:
    team = Team(client, receiver, digest_seconds=60.0, quiet="12:01-13:00")
    team.deliver(*incidents(2))
    team.tend_after(60)
    assert team.titles == []
    team.tend_after(3600)
    assert team.titles == ["[PARAMEDIC] 2 results: 2 healed"]


@pytest.mark.parametrize(
    ("form", "cause"),
    [
        ("text", "Cause: AssertionError"),
        ("markdown", "**Cause:** `AssertionError"),
        ("html", "<strong>Cause:</strong> <code>AssertionError"),
    ],
)
def test_each_service_gets_the_text_that_it_takes(
    client: redis.Redis, receiver: HttpReceiver, form: str, cause: str
) -> None:
    url = f"{receiver.url.replace('http', 'json')}/?format={form}"
    Team(client, receiver, url=url).deliver(make_result())
    assert cause in json.loads(receiver.requests[0].body)["message"]


def test_a_digest_gathers_for_its_time(client: redis.Redis, receiver: HttpReceiver) -> None:
    team = Team(client, receiver, digest_seconds=3600.0, repeat_seconds=0.0)
    first, second = incidents(2)
    team.deliver(first, first)
    team.tend_after(3599)
    team.deliver(second)
    assert team.titles == []
    team.tend_after(1)
    assert team.titles == ["[PARAMEDIC] 2 results: 2 healed"]
    team.deliver(first, second)  # a late repeat of what the digest has told
    team.tend_after(7200)
    assert len(team.titles) == 1


def test_a_daily_digest_comes_at_its_time_of_the_zone(
    client: redis.Redis, receiver: HttpReceiver
) -> None:
    team = Team(client, receiver)
    team.clock.present = datetime(2026, 5, 1, 15, 29, tzinfo=UTC)
    team.sink = team.opened({"digest_at": "17:30"}, zone="Europe/Vienna")
    team.deliver(make_result())
    team.sink.tend()
    assert team.titles == []
    team.tend_after(61)
    assert team.titles == [HEALED]
    team.deliver(make_unhealed())
    team.tend_after(3600)
    assert len(team.titles) == 1
    team.tend_after(86_400 - 3600)
    assert len(team.titles) == 2


def test_no_more_than_so_many_messages_an_hour_and_the_rest_in_one(
    client: redis.Redis, receiver: HttpReceiver
) -> None:
    team = Team(client, receiver, per_hour=3)
    team.deliver(*incidents(10))
    team.sink.tend()
    assert team.titles == [HEALED] * 3
    team.tend_after(3601)
    assert team.titles[3:] == ["[PARAMEDIC] 7 results: 7 healed"]


def test_one_refusing_channel_never_stops_the_others_and_gets_all_when_it_is_back(
    client: redis.Redis, receiver: HttpReceiver
) -> None:
    with http_receiver() as other:
        urls = {"late": f"{other.url}/hush", "team": receiver.url}
        channels = {n: ChannelSettings(url=u.replace("http", "json")) for n, u in urls.items()}
        sink = open_sink(NotifySettings(channels=channels), client, FakeClock())
        other.answers.extend([(500, {}), (503, {})])
        with capture_logs() as lines:
            for result in (healed := make_result(), healed, make_unhealed()):
                sink.deliver(result)
        assert len(receiver.requests) == 2
        assert [line["channel"] for line in lines] == ["late"]
        assert "error=500" in lines[0]["why"]
        assert "hush" not in str(lines)
        with pytest.raises(DeliveryError, match=r"^late: JSON did not take .*error=503"):
            sink.tend()
        sink.tend()
        sink.tend()
        titles = [json.loads(request.body)["title"] for request in other.requests]
    summed = "[PARAMEDIC] 2 results: 1 healed, 1 unhealed"
    assert titles == [HEALED, summed, summed]
    assert len(receiver.requests) == 2


def test_a_channel_that_breaks_is_logged_whole_and_never_stops_the_others(
    client: redis.Redis, receiver: HttpReceiver
) -> None:
    url = receiver.url.replace("http", "json")
    channels = {name: ChannelSettings(url=url) for name in ("broken", "team")}
    sink = open_sink(NotifySettings(channels=channels), client, FakeClock())
    client.set(keys.notify_told("broken"), "not what it should be")
    wrong = r"broken: redis\S*ResponseError: WRONGTYPE"
    with capture_logs() as lines, pytest.raises(DeliveryError, match=wrong):
        sink.deliver(make_result())
    assert len(receiver.requests) == 1
    assert [(line["channel"], line["exc_info"]) for line in lines] == [("broken", True)]


def test_a_digest_that_is_refused_waits_on_and_is_sent_whole(
    client: redis.Redis, receiver: HttpReceiver
) -> None:
    team = Team(client, receiver, digest_seconds=60.0, per_hour=1)
    team.deliver(*incidents(2))
    receiver.answers.append((500, {}))
    with pytest.raises(DeliveryError, match="team: JSON did not take the message"):
        team.tend_after(60)
    team.sink.tend()
    assert team.titles == ["[PARAMEDIC] 2 results: 2 healed"] * 2
    team.tend_after(3600)
    assert len(team.titles) == 2


@pytest.mark.parametrize("rules", [{}, {"digest_seconds": 60.0}])
def test_a_crash_between_sending_and_remembering_repeats_one_message_and_loses_none(
    client: redis.Redis,
    receiver: HttpReceiver,
    monkeypatch: pytest.MonkeyPatch,
    rules: dict[str, Any],
) -> None:
    class Killed(BaseException):
        """The worker is killed here."""

    def die(*_: object) -> None:
        raise Killed

    team, results = Team(client, receiver, **rules), incidents(3)
    with monkeypatch.context() as patch:
        patch.setattr(ChannelMemory, "_remember", die)
        with pytest.raises(Killed):
            team.deliver_and_tend(*results)
    assert len(team.titles) == 1
    again = Team(client, receiver, **rules)
    again.clock.forward(60)
    again.deliver(*results)
    again.tend_after(60)
    again.tend_after(60)
    if rules:
        assert again.titles == ["[PARAMEDIC] 3 results: 3 healed"] * 2
    else:
        assert again.titles == [HEALED] * 4


def test_above_the_bound_results_are_counted_and_none_is_told_twice(
    client: redis.Redis, receiver: HttpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "MAX_NOTES", 3)
    team = Team(client, receiver, digest_seconds=60.0, repeat_seconds=0.0)
    results = incidents(5)
    team.deliver(*results, *results)
    team.tend_after(60)
    assert team.titles == ["[PARAMEDIC] 5 results: 3 healed"]
    assert client.hlen(keys.notify_waiting("team")) == 0
    team.deliver(*incidents(1, id="f" * 32, patch="another"))
    team.tend_after(60)
    assert team.titles[1:] == [HEALED]


def test_what_somebody_else_has_told_meanwhile_is_not_kept(client: redis.Redis) -> None:
    clock, note = FakeClock(), note_of(make_result(), FakeClock()(), {}, "")
    remembers = ChannelMemory(
        client=client,
        channel="team",
        clock=clock,
        repeat_seconds=0.0,
        per_hour=0,
        retention=timedelta(days=1),
    )
    remembers.told(note, "same")
    remembers.keep(note, "same")
    assert remembers.waiting() == ([], 0)


def test_everything_that_is_remembered_dies(client: redis.Redis, receiver: HttpReceiver) -> None:
    team = Team(client, receiver)
    team.deliver(*incidents(2))
    team.sink = team.opened({"digest_seconds": 60.0})
    team.deliver(make_unhealed())
    found = [str(key) for key in client.scan_iter("paramedic:*")]
    kinds = {key.split(":")[2] for key in found}
    assert kinds == {"waiting", "told", "last", "notes"}
    retention = timedelta(days=make_settings().retention_days).total_seconds()
    assert all(0 < client.ttl(key) <= retention for key in found)
    team.tend_after(60)
    team.clock.forward(retention + 1)
    team.sink = team.opened({})
    team.deliver(make_result(incident="d" * 20))
    assert client.zcard(keys.notify_told("team")) == 1
