"""Projects whose conftest or code gets in the way of those who watch it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from paramedic_workers.repair import Project, Stop, repair
from tests.support.launchers import LocalLauncher
from tests.support.projects import PATIENCE, describe
from tests.support.waiting import wait_for

TESTS = """\
from calc import add


def test_small():
    assert add(1, 2) == 3


def test_large():
    assert add(50, 40) == 90


def test_nothing():
    assert add(1, 0) == 1
"""

WRONG = "def add(a, b):\n    return a - b\n"

#: Evaluates itself as soon as anybody asks for its class, which only an application may do.
LAZY = """\
class Lazy:
    @property
    def __class__(self):
        raise RuntimeError("no application")


current = Lazy()


"""

#: A server of which each test wants an answer.
SERVER = """\
import subprocess, sys

import pytest

ECHO = "for line in iter(input, None): print(line, flush=True)"
server = subprocess.Popen(
    [sys.executable, "-c", ECHO], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
)


@pytest.fixture(autouse=True)
def answering():
    server.stdin.write("ping\\n")
    server.stdin.flush()
    assert server.stdout.readline() == "ping\\n"
"""

FORMS = {
    "lazy objects": {"calc.py": LAZY + WRONG},
    "a server": {"calc.py": WRONG, "conftest.py": SERVER},
}


@pytest.fixture(params=list(FORMS.values()), ids=list(FORMS))
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Project]:
    for name, text in {"test_calc.py": TESTS, **request.param}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    yield Project(
        root=tmp_path, directory=tmp_path, python=Path(sys.executable), launcher=LocalLauncher()
    )
    wait_for("what was started to be gone", lambda: not _started_in(tmp_path))


def test_what_a_project_does_at_import_does_not_stop_its_repair(project: Project) -> None:
    failing = ["test_calc.py::test_small", "test_calc.py::test_large"]
    report = repair(project, failing, 60)
    assert report.patches, report.detail
    assert "a + b" in report.patches[0].diff


def _started_in(folder: Path) -> list[str]:
    """Process ids of what runs in this folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            is_in = (process / "cwd").readlink() == folder
        except OSError:
            continue
        if is_in:
            found.append(process.name)
    return found


def test_a_patch_that_no_diff_can_hold_is_told(tmp_path: Path) -> None:
    (tmp_path / "test_calc.py").write_text(TESTS)
    accented = "# -*- coding: latin-1 -*-\n" + WRONG.replace(":\n", ":\n    # \xe9t\xe9\n")
    (tmp_path / "calc.py").write_bytes(accented.encode("latin-1"))
    report = repair(describe(tmp_path), ["test_calc.py::test_small"], budget=PATIENCE)
    assert (report.stop, report.patches) == (Stop.EXHAUSTED, ())
    assert "calc.py is not UTF-8" in report.detail
