"""The webhook sink over a real connection, and the receiver that docs/sinks.md shows."""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from paramedic.webhooks import verify
from paramedic_workers.errors import DeliveryError, SinkUnavailable
from paramedic_workers.results import Result
from paramedic_workers.sinks.webhook import WebhookSink
from paramedic_workers.sinks.webhook_settings import WebhookSettings
from tests.support.documents import code_block
from tests.support.receivers import http_receiver
from tests.support.results import make_result, make_unhealed
from tests.support.waiting import wait_for

SECRET, OTHER, STRANGE = (
    "whsec_" + base64.b64encode(key * 32).decode() for key in (b"k", b"o", b"s")
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_sink(url: str, secret: str = SECRET) -> closing[WebhookSink]:
    """A sink whose connections are closed at the end of the block."""
    return closing(WebhookSink(WebhookSettings(url=url), (secret,)))


def is_taken(sink: WebhookSink, result: Result) -> bool:
    try:
        sink.deliver(result)
    except SinkUnavailable:
        return False
    return True


def test_the_documented_receiver_takes_each_result_once(tmp_path: Path) -> None:
    file, port = tmp_path / "receiver.py", free_port()
    file.write_text(code_block("sinks.md", "python", "# receiver.py"))
    environment = {**os.environ, "PORT": str(port), "PARAMEDIC_WEBHOOK_SECRET": f"{OTHER} {SECRET}"}
    with (tmp_path / "out").open("w") as out:
        receiver = subprocess.Popen([sys.executable, file], env=environment, stdout=out, stderr=out)
    first, second, third = make_result(), make_unhealed(), make_result()
    try:
        with make_sink(f"http://127.0.0.1:{port}/paramedic") as sink:
            wait_for("the receiver", lambda: is_taken(sink, first))
            for result in (first, second, first):
                sink.deliver(result)
        with (
            make_sink(f"http://127.0.0.1:{port}/", STRANGE) as stranger,
            pytest.raises(DeliveryError, match="answered 401"),
        ):
            stranger.deliver(third)
    finally:
        receiver.kill()
        receiver.wait()
    lines = (tmp_path / "out").read_text().splitlines()
    assert [line for line in lines if line.startswith("paramedic.result")] == [
        f"paramedic.result.healed shop/{first.incident} {first.summary}",
        f"paramedic.result.unhealed shop/{second.incident} {second.summary}",
    ]


def test_threads_share_connections_and_answers_are_judged() -> None:
    with http_receiver() as receiver, make_sink(f"{receiver.url}/hook") as sink:
        results = [make_result() for _ in range(20)]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(sink.deliver, results))
        assert {r.headers["webhook-id"] for r in receiver.requests} == {r.id for r in results}
        for request in receiver.requests:
            assert verify(request.body, request.headers, [SECRET])

        receiver.answers.append((503, {"retry-after": "9"}))
        with pytest.raises(SinkUnavailable) as caught:
            sink.deliver(results[0])
        assert caught.value.retry_after == 9
        receiver.answers.append((307, {"location": f"{receiver.url}/elsewhere"}))
        with pytest.raises(DeliveryError, match="redirects are not followed"):
            sink.deliver(results[0])
        assert all(request.path == "/hook" for request in receiver.requests)


def test_a_receiver_that_is_not_there_rests() -> None:
    with (
        make_sink(f"http://127.0.0.1:{free_port()}/hush") as sink,
        pytest.raises(SinkUnavailable, match="cannot be reached") as caught,
    ):
        sink.deliver(make_result())
    assert "hush" not in str(caught.value)
