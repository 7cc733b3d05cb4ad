"""The webhook sink: what it sends, and what it makes of answers."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from paramedic.webhooks import verify
from paramedic_workers.errors import DeliveryError, SettingsError, SinkUnavailable, Verdict
from paramedic_workers.results import decode_result
from paramedic_workers.settings import Settings, TargetSettings
from paramedic_workers.sinks import check_sinks, load_sinks
from paramedic_workers.sinks.webhook import WebhookSink
from paramedic_workers.sinks.webhook_settings import WebhookSettings, signing_secrets
from tests.support.results import make_result, make_unhealed

SECRETS = tuple("whsec_" + base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2))
URL = "https://hooks.shop.example/hush-hush"
PRESENT = datetime(2026, 5, 1, 12, tzinfo=UTC)
Answers = Callable[[httpx.Request], httpx.Response]

#: The rules of CloudEvents 1.0 for an event in the structured JSON mode.
CLOUD_EVENT = {
    "type": "object",
    "required": ["id", "source", "specversion", "type"],
    "properties": {
        "id": {"type": "string", "minLength": 1},
        "source": {"type": "string", "minLength": 1, "format": "uri-reference"},
        "specversion": {"const": "1.0"},
        "type": {"type": "string", "minLength": 1},
        "datacontenttype": {"type": "string", "minLength": 1},
        "dataschema": {"type": "string", "minLength": 1, "format": "uri"},
        "subject": {"type": "string", "minLength": 1},
        "time": {
            "type": "string",
            "format": "date-time",
            "pattern": r"^\d{4}-.*(Z|[+-]\d\d:\d\d)$",
        },
        "data": {},
        "data_base64": {"type": "string"},
    },
    # Names of attributes are small letters and digits.
    "propertyNames": {"pattern": "^([a-z0-9]+|data_base64)$"},
}


def respond(
    status: int, headers: Mapping[str, str] | None = None, text: str = ""
) -> httpx.Response:
    """An answer that has yet to be read, as one from the network."""
    return httpx.Response(status, headers=headers, stream=httpx.ByteStream(text.encode()))


def make_sink(answer: Answers | int = 204, **changes: Any) -> WebhookSink:
    def answered(request: httpx.Request) -> httpx.Response:
        return respond(answer) if isinstance(answer, int) else answer(request)

    settings = WebhookSettings(**{"url": URL, **changes})
    transport = httpx.MockTransport(answered)
    return WebhookSink(settings, SECRETS, transport=transport, clock=lambda: PRESENT)


def sent(result: Any, **changes: Any) -> list[httpx.Request]:
    """The requests that a delivery makes."""
    requests: list[httpx.Request] = []

    def keep(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200)

    make_sink(keep, **changes).deliver(result)
    return requests


def test_a_result_is_posted_as_a_cloud_event() -> None:
    result = make_result()
    (request,) = sent(result, source="/paramedic/berlin")
    assert (request.method, str(request.url)) == ("POST", URL)
    assert request.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    event = json.loads(request.content)
    jsonschema.validate(event, CLOUD_EVENT)
    assert {name: event[name] for name in ("id", "source", "type", "subject")} == {
        "id": result.id,
        "source": "/paramedic/berlin",
        "type": "paramedic.result.healed",
        "subject": f"shop/{result.incident}",
    }
    assert datetime.fromisoformat(event["time"]) == result.started_at
    assert decode_result(json.dumps(event["data"])) == result


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_verdict_makes_an_event(verdict: Verdict) -> None:
    (request,) = sent(make_result(verdict=verdict))
    jsonschema.validate(event := json.loads(request.content), CLOUD_EVENT)
    assert event["type"] == f"paramedic.result.{verdict}"


def test_it_is_signed_with_each_secret_and_a_repeat_has_the_same_id() -> None:
    result = make_result()
    (first,), (second,) = sent(result), sent(result)
    for secret in SECRETS:
        present = PRESENT.timestamp()
        assert verify(first.content, first.headers, [secret], present=present) == result.id
    assert first.content == second.content
    assert first.headers["webhook-id"] == second.headers["webhook-id"]


def test_verdicts_and_targets_that_are_not_asked_for_are_not_sent() -> None:
    assert sent(make_unhealed(), verdicts=(Verdict.HEALED,)) == []
    assert len(sent(make_result(), verdicts=(Verdict.HEALED,))) == 1
    assert sent(make_result(target="other"), targets=("shop",)) == []
    assert len(sent(make_result(), targets=("shop",))) == 1


def test_further_headers_are_sent() -> None:
    (request,) = sent(make_result(), headers={"Authorization": "Bearer tok"})
    assert request.headers["authorization"] == "Bearer tok"


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_2xx_is_delivered(status: int) -> None:
    make_sink(status).deliver(make_result())


@pytest.mark.parametrize(
    ("status", "headers", "wait"),
    [(429, {"retry-after": "7"}, 7), (503, {}, 30), (502, {}, 30), (504, {"retry-after": "x"}, 30)],
)
def test_a_receiver_that_is_away_rests(
    status: int, headers: Mapping[str, str], wait: float
) -> None:
    with pytest.raises(SinkUnavailable, match=f"answered {status}") as caught:
        make_sink(lambda _: respond(status, headers)).deliver(make_result())
    assert caught.value.retry_after == wait


@pytest.mark.parametrize(
    ("status", "transient"),
    [
        *((status, True) for status in (408, 425, 500, 501)),
        *((status, False) for status in (301, 307, 400, 401, 404, 410, 413)),
    ],
)
def test_a_refusal_is_final_unless_it_may_pass(status: int, transient: bool) -> None:
    calls: list[httpx.Request] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        calls.append(request)
        return respond(status, {"location": "https://elsewhere.example/"})

    with pytest.raises(DeliveryError, match=f"answered {status}") as caught:
        make_sink(refuse).deliver(make_result())
    assert caught.value.transient is transient
    assert not isinstance(caught.value, SinkUnavailable)
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (httpx.ConnectError("refused"), SinkUnavailable),
        (httpx.ConnectTimeout("late"), SinkUnavailable),
        (httpx.ReadTimeout("late"), DeliveryError),
        (httpx.RemoteProtocolError("gone"), DeliveryError),
    ],
)
def test_only_what_cannot_be_the_fault_of_one_result_makes_all_wait(
    error: httpx.HTTPError, kind: type[DeliveryError]
) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(DeliveryError) as caught:
        make_sink(fail).deliver(make_result())
    assert type(caught.value) is kind
    assert caught.value.transient


def test_no_secret_is_in_an_error_or_a_repr() -> None:
    parrot = f"no {SECRETS[0]} Bearer tok /hush-hush pass " * 3

    def echo(_: httpx.Request) -> httpx.Response:
        return respond(400, text=parrot)

    url = "https://ada:pass@hooks.shop.example/hush-hush"
    sink = make_sink(echo, url=url, headers={"Authorization": "Bearer tok"})
    with pytest.raises(DeliveryError) as caught:
        sink.deliver(make_result())
    for hidden in (SECRETS[0], "Bearer tok", "hush-hush", "pass"):
        assert hidden not in str(caught.value) + repr(sink)
    assert "https://hooks.shop.example answered 400: no ***" in str(caught.value)


def test_of_an_endless_answer_only_the_beginning_is_read() -> None:
    taken = 0

    class Endless(httpx.SyncByteStream):
        def __iter__(self) -> Any:
            nonlocal taken
            while True:
                taken += 1
                yield b"x" * 1024

    with pytest.raises(DeliveryError, match="answered 400: xxx"):
        make_sink(lambda _: httpx.Response(400, stream=Endless())).deliver(make_result())
    assert taken < 10


def complaints(monkeypatch: pytest.MonkeyPatch, **table: object) -> str:
    monkeypatch.setenv("PARAMEDIC_WEBHOOK_SECRET", " ".join(SECRETS))
    targets = {"shop": TargetSettings(repository="/srv/git/shop.git")}
    settings = Settings(targets=targets, sinks={"webhook": {"url": URL, **table}})
    return "\n".join(f"{p.key}: {p.problem} {p.remedy}" for p in check_sinks(settings))


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ({"url": ""}, "sinks.webhook.url: is missing"),
        ({"url": "ftp://hush.example"}, "no address on the web"),
        ({"url": "https://[hush"}, "is no URL"),
        ({"url": "http://hush.example/x"}, "allow_http"),
        ({"url": "http://127.0.0.1.hush.example/x"}, "allow_http"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": 600}, "timeout"),
        ({"source": "a b"}, "no URI"),
        ({"targets": ["shop", "shpo"]}, "'shpo', which is no target"),
        ({"verdicts": ["heald"]}, "verdicts"),
        ({"headers": {"Webhook-Id": "1"}}, "set by the sink itself"),
        ({"headers": {"X-A": "hush\r\nb: c"}}, "what no header can"),
        ({"headers": {"X A": "hush"}}, "names no header"),
    ],
)
def test_mistakes_in_the_settings_are_named(
    table: dict[str, object], complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = complaints(monkeypatch, **table)
    assert complaint in found
    assert "hush" not in found


@pytest.mark.parametrize(
    "table",
    [
        {},
        {"url": "http://localhost:8080/x"},
        {"url": "http://[::1]:8080/x"},
        {"url": "http://hooks.shop.example", "allow_http": True},
    ],
)
def test_right_settings_have_no_problems(
    table: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert complaints(monkeypatch, **table) == ""


def test_secrets_come_from_the_variable_or_the_file(tmp_path: Path) -> None:
    file = tmp_path / "secrets"
    file.write_text("\n".join(SECRETS))
    settings = WebhookSettings(url=URL, secret_file=str(file))
    assert signing_secrets(settings, {}) == SECRETS
    assert signing_secrets(settings, {"PARAMEDIC_WEBHOOK_SECRET": SECRETS[1]}) == (SECRETS[1],)


@pytest.mark.parametrize(
    ("text", "complaint"), [(None, "cannot be read"), ("", "no secret"), ("hush", "as number 1")]
)
def test_a_missing_or_malformed_secret_is_refused_at_start_and_not_shown(
    text: str | None, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PARAMEDIC_WEBHOOK_SECRET", raising=False)
    file = tmp_path / "secrets"
    if text is not None:
        file.write_text(text)
    table = {"url": URL, "secret_file": str(file)}
    with pytest.raises(SettingsError, match=f"sinks.webhook.secret_file.*{complaint}") as caught:
        load_sinks(Settings(sinks={"webhook": table}, data=str(tmp_path)))
    assert "hush" not in str(caught.value).replace(str(file), "")
