"""A disk that fills up in the middle of a heal is named, and the heal succeeds afterwards."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from tests.support.repositories import make_repository
from tests.support.small_disk import needs_small_disk, run_on_small_disk

#: Heals on a data directory with too little room, then again with room.
_HEALS = """
import json, sys
from pathlib import Path
from paramedic_workers.healing.healer import Healer
from paramedic_workers.healing.model import HealRequest
from paramedic_workers.resilience.storage import want_of_disk
from paramedic_workers.settings import SandboxMode, TargetSettings
disk, repository = Path(sys.argv[1]), sys.argv[2]
target = TargetSettings(name="shop", repository=repository, python=sys.executable,
                        sandbox=SandboxMode.OFF, runs=1, strategies=("revert",))
ballast = disk / "ballast"
ballast.write_bytes(b"x" * (30 << 20))
seen = {"want": want_of_disk(disk, 8)}
for name in ("full", "free"):
    report = Healer(data=disk / "data").heal(HealRequest(target=target, revision=None))
    (result,) = report.results
    seen[name] = [result.verdict, result.transient, result.cause.type, result.cause.message]
    seen[name + " trees"] = len([*(disk / "data").glob("worktrees/*/*/*.py")])
    ballast.unlink(missing_ok=True)
seen["want then"] = want_of_disk(disk, 8)
print(json.dumps(seen))
"""


@pytest.mark.parametrize("_", [pytest.param(None, marks=needs_small_disk)])
def test_a_disk_that_is_full_is_told_and_nothing_is_left_of_the_heal(
    tmp_path: Path, _: None
) -> None:
    noise = random.Random(1).randbytes(3 << 20).hex()
    files = {
        "sums.py": "def add(a, b):\n    return a - b\n",
        "noise.txt": noise,
        "test_sums.py": "from sums import add\n\n\ndef test_add():\n    assert add(2, 3) == 5\n"
        "    assert add(1, 1) == 2\n",
    }
    repository = make_repository(tmp_path / "shop", files)
    done = run_on_small_disk(_HEALS, tmp_path / "disk", 34 << 20, str(repository.path))
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    verdict, transient, kind, message = seen["full"]
    assert (verdict, transient) == ("environment", True), seen
    assert kind == "paramedic_workers.errors.StorageFull"
    assert "No space is left on the worker's disk" in message
    assert "cache_limit" in message
    assert seen["full trees"] == 0
    assert "MiB are free" in seen["want"]
    assert seen["want then"] == ""
    assert seen["free"][0] == "unhealed", seen
