"""`pytest --paramedic-target`, run on a sample project."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from paramedic.event import FailureEvent, decode_event
from paramedic.wire import INTAKE_QUEUE
from tests.support.repositories import Repository, make_repository

FILES = {
    "shop/__init__.py": "",
    "shop/cart.py": """
class Cart:
    def total(self, number):
        return number / 0
""",
    "tests/test_cart.py": """
import pytest
from shop.cart import Cart

def test_passes(): pass

def test_total(): Cart().total(3)

class TestCart:
    @pytest.mark.parametrize("number", [1, 2])
    def test_number(self, number): assert number == 3

@pytest.fixture
def before(): raise KeyError("before")

@pytest.fixture
def after():
    yield
    raise KeyError("after")

def test_setup(before): pass

def test_teardown(after): pass

def test_both(after): assert False

@pytest.mark.xfail
def test_expected(): assert False

@pytest.mark.xfail(strict=True)
def test_unexpected(): pass

@pytest.mark.skip
def test_skipped(): assert False

@pytest.mark.xdist_group("together")
def test_grouped(): assert False
""",
    "tests/test_missing.py": "import nowhere",
    "tests/test_syntax.py": "def test_broken(:",
    "pytest.ini": "[pytest]\nmarkers = xdist_group\npythonpath = .\n",
}

FAILING = {
    "tests/test_cart.py::test_total": ("ZeroDivisionError", "call"),
    "tests/test_cart.py::TestCart::test_number[1]": ("AssertionError", "call"),
    "tests/test_cart.py::TestCart::test_number[2]": ("AssertionError", "call"),
    "tests/test_cart.py::test_setup": ("KeyError", "setup"),
    "tests/test_cart.py::test_teardown": ("KeyError", "teardown"),
    "tests/test_cart.py::test_both": ("AssertionError", "call"),
    "tests/test_cart.py::test_unexpected": ("pytest.Failed", "call"),
    "tests/test_cart.py::test_grouped": ("AssertionError", "call"),
    "tests/test_missing.py": ("ModuleNotFoundError", "collect"),
    "tests/test_syntax.py": ("SyntaxError", "collect"),
}


@pytest.fixture
def project(tmp_path: Path) -> Repository:
    return make_repository(tmp_path / "project", FILES)


def run_pytest(
    project: Repository, *arguments: str, broker: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """pytest in the project, with a data directory of its own beside it."""
    command = [sys.executable, "-m", "pytest", "-q", "--continue-on-collection-errors"]
    names = {"PARAMEDIC_DATA": str(project.path.parent / "data"), "PARAMEDIC_BROKER_URL": broker}
    return subprocess.run(
        [*command, "-p", "no:cacheprovider", *arguments],
        cwd=project.path,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **names, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def published(state: redis.Redis) -> list[FailureEvent]:
    """The events of the one message in the queue."""
    [message] = state.lrange(INTAKE_QUEUE, 0, -1)
    body = json.loads(base64.b64decode(json.loads(message)["body"]))
    return [decode_event(event) for event in body[0][0]["events"]]


@pytest.mark.parametrize("xdist", [[], ["-n2", "--dist=loadgroup"]])
def test_every_failing_test_is_published_once_in_one_message(
    project: Repository, broker_url: str, state: redis.Redis, xdist: list[str]
) -> None:
    done = run_pytest(project, *xdist, "--paramedic-target=shop", "--paramedic-broker", broker_url)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert "paramedic: 10 failures of shop: 10 published" in done.stdout
    events = published(state)
    assert {e.test: (e.exception_type, e.tags["when"]) for e in events} == FAILING
    assert len(events) == len(FAILING)
    assert {event.revision for event in events} == {project.git("rev-parse", "HEAD")}
    assert all("dirty" not in event.tags for event in events)
    assert {event.python for event in events} == {".".join(map(str, sys.version_info[:3]))}


def test_an_event_holds_what_is_needed_to_find_the_cause(
    project: Repository, broker_url: str, state: redis.Redis
) -> None:
    run_pytest(project, "--paramedic-target=shop", broker=broker_url)
    by_test = {event.test: event for event in published(state)}
    event = by_test["tests/test_cart.py::test_total"]
    assert event.message == "division by zero"
    assert "return number / 0" in event.traceback
    assert [(f.file, f.module, f.function, f.line) for f in event.frames] == [
        ("tests/test_cart.py", "test_cart", "test_total", 7),
        ("shop/cart.py", "shop.cart", "Cart.total", 4),
    ]
    assert by_test["tests/test_missing.py"].frames[-1].file == "tests/test_missing.py"
    assert by_test["tests/test_syntax.py"].frames[-1].file == "tests/test_syntax.py"


def test_node_ids_are_pytests_own_and_files_are_the_repositorys(
    tmp_path: Path, broker_url: str, state: redis.Redis
) -> None:
    below = {f"backend/{name}": text for name, text in FILES.items()}
    repository = make_repository(tmp_path / "project", below)
    run_pytest(
        Repository(repository.path / "backend"), "--paramedic-target=shop", broker=broker_url
    )
    event = next(e for e in published(state) if e.test == "tests/test_cart.py::test_total")
    assert event.frames[-1].file == "backend/shop/cart.py"
    assert event.tags["rootdir"] == "backend"


def test_a_changed_checkout_is_marked_as_dirty(
    project: Repository, broker_url: str, state: redis.Redis
) -> None:
    project.write({"shop/cart.py": FILES["shop/cart.py"] + "\n"})
    run_pytest(project, "--paramedic-target=shop", broker=broker_url)
    assert {event.tags.get("dirty") for event in published(state)} == {"true"}


def test_a_worker_that_dies_is_published_too(
    tmp_path: Path, broker_url: str, state: redis.Redis
) -> None:
    project = make_repository(
        tmp_path / "project", {"test_dies.py": "import os\ndef test_dies(): os._exit(3)\n"}
    )
    run_pytest(
        project, "-n1", "--max-worker-restart=0", "--paramedic-target=shop", broker=broker_url
    )
    [event] = published(state)
    assert event.test == "test_dies.py::test_dies"
    assert "crashed" in event.message


def test_while_the_broker_is_away_failures_are_spooled_and_the_run_ends_as_ever(
    project: Repository,
) -> None:
    done = run_pytest(project, "--paramedic-target=shop", broker="redis+socket:///nowhere/s")
    assert done.returncode == 1
    assert "10 failures of shop: 10 spooled until the broker is back" in done.stdout
    [file] = (project.path.parent / "data" / "spool").rglob("*.json")
    assert file.stat().st_mode & 0o077 == 0


def test_where_no_broker_is_known_the_run_says_how_to_name_one(tmp_path: Path) -> None:
    project = make_repository(tmp_path / "project", {"test_a.py": "def test_a(): assert 0\n"})
    done = run_pytest(project, "--paramedic-target=shop")
    assert done.returncode == 1
    assert "1 spooled until the broker is back. No broker is configured" in done.stdout


@pytest.mark.parametrize("way", ["ini", "environment"])
def test_the_target_can_be_named_without_an_option(project: Repository, way: str) -> None:
    environment = {"PARAMEDIC_TARGET": "shop"} if way == "environment" else {}
    if way == "ini":
        project.write({"pytest.ini": FILES["pytest.ini"] + "paramedic_target = shop\n"})
    done = run_pytest(project, "--paramedic-dry-run", **environment)
    assert "paramedic: would publish 10 failures of shop" in done.stdout


def test_without_a_target_nothing_happens_and_nothing_is_imported(project: Repository) -> None:
    project.write(
        {
            "conftest.py": """
import sys
def pytest_unconfigure():
    print("loaded:", sorted(name for name in sys.modules if name.startswith("paramedic")))
    print("heavy:", sorted({"msgspec", "kombu", "redis"} & set(sys.modules)))
"""
        }
    )
    done = run_pytest(project, "-s")
    assert "paramedic: " not in done.stdout
    assert "heavy: []" in done.stdout
    assert "paramedic.integrations.pytest_plugin" in done.stdout
    assert "paramedic.publisher" not in done.stdout


def test_a_run_without_failures_says_nothing(project: Repository, broker_url: str) -> None:
    done = run_pytest(
        project, "tests/test_cart.py::test_passes", "--paramedic-target=shop", broker=broker_url
    )
    assert done.returncode == 0
    assert "paramedic: " not in done.stdout


def test_a_name_that_cannot_be_a_target_is_refused_in_one_line(project: Repository) -> None:
    done = run_pytest(project, "--paramedic-target=../etc")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "'../etc' is no name of a target" in done.stderr
    assert "Traceback" not in done.stderr


def test_outside_of_a_repository_the_revision_is_unknown(
    tmp_path: Path, broker_url: str, state: redis.Redis
) -> None:
    (tmp_path / "test_alone.py").write_text("def test_fails(): assert 0\n")
    run_pytest(Repository(tmp_path), "--paramedic-target=shop", broker=broker_url)
    [event] = published(state)
    assert (event.test, event.revision) == ("test_alone.py::test_fails", None)
