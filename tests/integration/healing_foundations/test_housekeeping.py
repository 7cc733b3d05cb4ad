"""The data directory stays within bounds, and nothing goes that is in use."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from paramedic_workers.healing.clones import Clone, Source
from paramedic_workers.healing.locks import Use, last_use
from paramedic_workers.healing.model import Deadline
from paramedic_workers.housekeeping import ROUND_SECONDS, Removed, keep_house, size_of
from paramedic_workers.settings import Settings
from paramedic_workers.sinks.file import FileSink
from tests.support.repositories import Repository
from tests.support.results import make_result

DAY = 86_400


def cache(data: Path, name: str, *, days: float, mebibytes: float = 0.9) -> Path:
    """A cached folder of that size, last used that long ago."""
    folder = data / name
    folder.mkdir(parents=True)
    (folder / "content").write_bytes(b"x" * int(mebibytes * 1024 * 1024))
    Use.begin(folder).release()
    then = time.time() - days * DAY
    os.utime(folder.with_name(f"{folder.name}.use"), (then, then))
    return folder


def settings(data: Path, **given: int) -> Settings:
    return Settings(data=str(data), **given)  # type: ignore[arg-type]  # test data


def test_the_longest_unused_caches_go_until_the_rest_fits(data: Path) -> None:
    oldest = cache(data, "environments/old", days=9)
    older = cache(data, "clones/shop-1.git", days=8)
    kept = [cache(data, "cache/uv-shop", days=2), cache(data, "environments/new", days=1)]
    assert keep_house(settings(data, cache_limit=2)) == Removed(caches=2)
    assert not oldest.exists()
    assert not older.exists()
    assert all(folder.is_dir() for folder in kept)
    assert list(data.glob("*/.gone-*")) == []
    assert not oldest.with_name("old.use").exists()


def test_caches_within_the_limit_stay_however_old(data: Path) -> None:
    folder = cache(data, "environments/old", days=900)
    assert keep_house(settings(data, cache_limit=2)) == Removed()
    assert folder.is_dir()


_USING = """
import sys
from pathlib import Path
from paramedic_workers.healing.locks import Use
use = Use.begin(Path(sys.argv[1]))
print("using", flush=True)
sys.stdin.read()
"""


def test_what_another_process_uses_stays_until_it_is_dead(data: Path) -> None:
    used = cache(data, "environments/used", days=9)
    command = [sys.executable, "-c", _USING, str(used)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as user:
        assert user.stdout is not None
        user.stdout.readline()
        unused = cache(data, "environments/unused", days=1)
        later = time.time() + ROUND_SECONDS + 1
        assert keep_house(settings(data, cache_limit=1)) == Removed(caches=1)
        assert used.is_dir()
        assert not unused.exists()
        user.kill()
    cache(data, "environments/another", days=-1)
    assert keep_house(settings(data, cache_limit=1), clock=lambda: later) == Removed(caches=1)
    assert not used.exists()


def test_a_clone_is_in_use_while_somebody_has_it(data: Path, repository: Repository) -> None:
    clone = Clone.of(Source.named(str(repository.path)), "shop", data)
    clone.refresh(None, Deadline.after(60))
    filler = cache(data, "cache/uv-shop", days=-1, mebibytes=2)
    keep_house(settings(data, cache_limit=1))
    assert clone.directory.is_dir()
    assert not filler.exists()
    assert last_use(clone.directory) > time.time() - 600


def test_reports_go_with_their_incidents_and_leave_the_index(data: Path) -> None:
    sink = FileSink(data / "reports")
    old, new = make_result(), make_result(incident="other", id="other")
    for result in (old, new):
        sink.deliver(result)
    then = time.time() - timedelta(days=31).total_seconds()
    os.utime(sink.folder(old.incident) / "result.json", (then, then))
    foreign = sink.directory / "mine"
    foreign.mkdir()
    (foreign / "result.json").write_text("not ours")
    os.utime(foreign / "result.json", (then, then))
    assert keep_house(settings(data)) == Removed(reports=1)
    assert not sink.folder(old.incident).exists()
    assert sink.folder(new.incident).is_dir()
    assert foreign.is_dir()
    index = (sink.directory / "index.html").read_text()
    assert old.incident not in index
    assert new.incident in index


def test_a_round_is_made_once_an_hour(data: Path) -> None:
    cache(data, "environments/one", days=9, mebibytes=2)
    assert keep_house(settings(data, cache_limit=1)) == Removed(caches=1)
    cache(data, "environments/two", days=9, mebibytes=2)
    assert keep_house(settings(data, cache_limit=1)) == Removed()
    later = time.time() + ROUND_SECONDS + 1
    assert keep_house(settings(data, cache_limit=1), clock=lambda: later) == Removed(caches=1)


def test_a_data_directory_that_does_not_exist_stays_so(data: Path) -> None:
    assert keep_house(settings(data)) == Removed()
    assert not data.exists()


def test_the_size_of_a_folder_does_not_follow_links(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * 1024 * 1024)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "link").symlink_to(tmp_path / "big")
    assert size_of(tmp_path / "folder") < 64 * 1024


@pytest.mark.parametrize("times", [1, 2])
def test_a_use_is_let_go_with_its_last_reference(data: Path, times: int) -> None:
    folder = cache(data, "environments/one", days=1)
    uses = [Use.begin(folder) for _ in range(times)]
    assert Use.take_alone(folder) is None
    uses.clear()
    assert Use.take_alone(folder) is not None
