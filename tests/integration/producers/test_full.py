"""A full Redis and a full disk: what is reported is spooled, held, or counted as lost, aloud."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import redis

from paramedic import Limits, Publisher
from tests.support.events import make_event
from tests.support.small_disk import needs_small_disk, run_on_small_disk
from tests.support.valkey import private_valkey
from tests.support.waiting import wait_for

_QUICK = Limits(linger=0.01, linger_away=0.01, retry_first=0.05, retry_most=0.1)

#: Reports twenty failures one by one, with a broker that is away and a spool on a full disk.
_SERVICE = """
import json, sys
from pathlib import Path
from paramedic import Limits, Publisher
from tests.support.events import make_event
limits = Limits(linger=0.0, linger_away=0.0, retry_first=60.0, held_batches=3, timeout=1.0)
url = "redis+socket:///nowhere/at/all"
publisher = Publisher("shop", broker_url=url, spool=Path(sys.argv[1], "spool"), limits=limits)
for number in range(20):
    publisher.report(make_event(message=str(number) * 3_000))
    publisher.flush(5.0)
publisher.close()
counts = publisher.counts
print(json.dumps({name: getattr(counts, name) for name in counts.__struct_fields__}))
"""


def test_while_redis_is_full_reports_are_spooled_and_then_drained(tmp_path: Path) -> None:
    with private_valkey() as socket:
        client = redis.Redis(unix_socket_path=str(socket))
        client.config_set("maxmemory", 100_000)  # less than it uses when it is empty
        url = f"redis+socket://{socket}"
        with Publisher("shop", broker_url=url, spool=tmp_path / "s", limits=_QUICK) as publisher:
            publisher.report(make_event(), make_event(message="other"))
            assert not publisher.flush()
            assert publisher.counts.spooled == 2
            client.config_set("maxmemory", 0)
            wait_for("the spool to be drained", lambda: publisher.counts.drained == 2)
            assert publisher.counts.dropped == 0
        assert client.llen("paramedic.intake") == 1


@pytest.mark.parametrize("_", [pytest.param(None, marks=needs_small_disk)])
def test_with_a_full_disk_too_losses_are_counted_and_told_and_nothing_is_raised(
    tmp_path: Path, _: None
) -> None:
    done = run_on_small_disk(_SERVICE, tmp_path / "disk", 32_768)
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout)
    assert counts["reported"] == 20
    assert counts["spooled"] > 0
    assert counts["dropped"] > 0
    assert counts["spooled"] + counts["dropped"] == 20
    assert "the spool takes no more" in done.stderr
    assert "No space left on device" in done.stderr
    assert "Reports lost so far" in done.stderr
    assert "Traceback" not in done.stderr
