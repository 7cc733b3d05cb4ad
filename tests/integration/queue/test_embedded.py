"""The bundled server: one per directory, nothing lost, nothing left behind."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from paramedic_workers.connections import broker_url, state_client
from paramedic_workers.embedded import Embedded, running_url
from paramedic_workers.errors import UsageError
from paramedic_workers.settings import Settings
from tests.support.waiting import wait_for

_HOLDER = """
import sys, time
from pathlib import Path
from paramedic_workers.embedded import Embedded
server = Embedded.start(Path(sys.argv[1]))
print(server.process.pid, flush=True)
time.sleep(60)
"""


@contextmanager
def holder(data: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Another process that runs a server; gives it and the server's process id."""
    command = [sys.executable, "-c", _HOLDER, str(data)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout as output:
        try:
            yield process, int(output.readline())
        finally:
            process.kill()
            process.wait()


def alive(pid: int) -> bool:
    """Whether the process exists and is no zombie."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_it_keeps_its_data_and_leaves_no_address(tmp_path: Path) -> None:
    with Embedded.start(tmp_path) as server:
        assert server.url.startswith("redis+socket:///")
        assert running_url(tmp_path) == server.url
        state_client(server.url).set("kept", "yes")
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700
        assert stat.S_IMODE((tmp_path / "embedded.json").stat().st_mode) == 0o600
    assert running_url(tmp_path) is None
    assert not (tmp_path / "embedded.json").exists()
    with Embedded.start(tmp_path) as server:
        assert state_client(server.url).get("kept") == "yes"


def test_it_is_append_only_and_never_evicts(tmp_path: Path) -> None:
    with Embedded.start(tmp_path) as server, state_client(server.url) as client:
        wanted = {"appendonly": "yes", "appendfsync": "everysec", "maxmemory-policy": "noeviction"}
        assert {name: client.config_get(name)[name] for name in wanted} == wanted


def test_a_second_one_on_the_same_directory_is_refused_in_one_line(tmp_path: Path) -> None:
    with holder(tmp_path), pytest.raises(UsageError) as refusal:
        Embedded.start(tmp_path)
    assert "already runs" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_after_sigkill_of_everything_all_data_is_there(tmp_path: Path) -> None:
    with holder(tmp_path) as (process, server):
        client = state_client(running_url(tmp_path) or "")
        client.set("kept", "yes")
        client.waitaof(1, 0, 2000)
        os.kill(server, signal.SIGKILL)
        process.kill()
    assert (tmp_path / "embedded.json").exists()  # stale, and in nobody's way
    with Embedded.start(tmp_path) as again:
        assert state_client(again.url).get("kept") == "yes"


def test_a_server_does_not_outlive_its_killed_supervisor(tmp_path: Path) -> None:
    with holder(tmp_path) as (process, server):
        state_client(running_url(tmp_path) or "").set("kept", "yes")
        process.kill()
        wait_for("the server's end", lambda: not alive(server), 10)
    with Embedded.start(tmp_path) as again:
        assert state_client(again.url).get("kept") == "yes"


def test_an_orphan_is_shut_down_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # As on a system where children cannot be tied to their parent.
    monkeypatch.setattr(sys, "platform", "elsewhere")
    orphan = Embedded.start(tmp_path)
    state_client(orphan.url).set("kept", "yes")
    orphan._lock.release()
    with Embedded.start(tmp_path) as again:
        assert orphan.process.wait(60) == 0
        assert state_client(again.url).get("kept") == "yes"


@pytest.mark.parametrize("name", ["x" * 100, "spaces and #%?é"])
def test_any_directory_will_do(tmp_path: Path, name: str) -> None:
    data = tmp_path / name
    with Embedded.start(data) as server:
        assert state_client(broker_url(Settings(data=str(data)))).ping()
        assert server.url.startswith("redis://:" if len(name) > 99 else "redis+socket://")


def test_without_a_broker_the_error_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"paramedic up.*PARAMEDIC_BROKER_URL"):
        broker_url(Settings(data=str(tmp_path)))


def test_a_directory_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be used"):
        Embedded.start(tmp_path / "file" / "data")
