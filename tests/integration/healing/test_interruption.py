"""A heal that is ended by a signal leaves nothing behind."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.healing.conftest import processes_below
from tests.support.repositories import make_repository
from tests.support.waiting import wait_for

SCRIPT = """
import signal, sys
from pathlib import Path
from paramedic_workers.healing.healer import Healer
from paramedic_workers.healing.model import HealRequest
from paramedic_workers.settings import TargetSettings

def stop(number, frame):
    sys.exit(143)

signal.signal(signal.SIGTERM, stop)
target = TargetSettings(name="shop", repository=sys.argv[1], python=sys.executable)
print("begun", flush=True)
Healer(data=Path(sys.argv[2])).heal(HealRequest(target=target, revision=None))
"""


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 143)]
)
def test_a_signal_ends_the_process_and_all_that_it_started(
    tmp_path: Path, number: signal.Signals, status: int
) -> None:
    hang = "import time\n\n\ndef test_hang():\n    time.sleep(600)\n"
    shop = make_repository(tmp_path / "shop", {"tests/test_hang.py": hang})
    before = shop.state()
    data = tmp_path / "data"
    healing = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(shop.path), str(data)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for("the tests to run", lambda: processes_below(data))
        healing.send_signal(number)
        assert healing.wait(120) == status
    finally:
        healing.kill()
        healing.wait()
    assert processes_below(data) == []
    assert list((data / "work").glob("*")) == []
    assert shop.state() == before
