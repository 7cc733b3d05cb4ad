"""Code under test that misbehaves: the search survives it and leaves nothing behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from paramedic_workers.repair import Stop, repair
from tests.support.launchers import LocalLauncher
from tests.support.projects import changed_lines, heal, write_project
from tests.support.waiting import wait_for

#: What happens as soon as `mode` is not what it was: most edits of the function reach it.
NASTY = {
    "exits": "sys.exit(0)",
    "exits hard": "os._exit(0)",
    "hangs": "while True: pass",
    "hangs and hides it": "forever()",
    "sleeps": "time.sleep(600)",
    "eats memory": "bytearray(1 << 40)",
    "kills itself": "os.kill(os.getpid(), 9)",
    "reads stdin": "sys.stdin.read()",
    "closes everything": "os.closerange(0, 256)",
    "writes to every pipe": "scribble()",
    "starts a thread": "threading.Thread(target=time.sleep, args=(600,)).start()",
    "starts a process": "subprocess.Popen(['sleep', '600'], start_new_session=True)",
    "changes the directory": "os.chdir('/')",
    "recurses": "nasty()",
    "spoils pytest": "pytest.Function.runtest = None",
    "fills the disk": "open('flood', 'wb').write(bytes(1 << 28))",
    "prints a flood": "print('x' * (1 << 24))",
}

MACHINE = """
    import os, subprocess, sys, threading, time
    import pytest

    def forever():
        while True:
            try:
                while True:
                    pass
            except BaseException:
                pass

    def scribble():
        for descriptor in range(3, 64):
            try:
                os.write(descriptor, b"pppppppppppppppp")
            except OSError:
                pass

    def nasty():
        {nasty}

    def speed(gear):
        if gear != 3:
            return -gear
        mode = 7 - 3
        if mode != 4:
            nasty()
        return mode - 6
"""
TESTS = """
    from machine import speed

    def test_speed():
        assert speed(3) == 10

    def test_back():
        assert speed(1) == -1
        assert speed(2) == -2
"""


@pytest.mark.parametrize("kind", NASTY)
def test_a_candidate_that_misbehaves_costs_only_itself(tmp_path: Path, kind: str) -> None:
    files = {"machine.py": MACHINE.replace("{nasty}", NASTY[kind]), "test_machine.py": TESTS}
    project = write_project(tmp_path, files)
    report = repair(project, ["test_machine.py::test_speed"], budget=60.0)
    assert report.stop is Stop.FOUND, report.detail
    lines = [changed_lines(patch.diff)[-1].strip() for patch in report.patches]
    assert "+    return mode + 6" in lines
    wait_for("every process to end", lambda: not _processes_in(tmp_path))
    (tmp_path / "flood").unlink(missing_ok=True)


def test_a_failing_test_that_kills_its_parent_ends_the_search_with_a_report(
    tmp_path: Path,
) -> None:
    files = {
        "killer.py": "import os\n\n\ndef kill():\n    os.kill(os.getppid(), 9)\n    return 1\n",
        "test_killer.py": "from killer import kill\n\n\ndef test_kill():\n    assert kill() == 2\n",
    }
    report = heal(tmp_path, files, "test_killer.py::test_kill")
    assert report.stop is Stop.NOT_FAILING
    assert "lost" in report.detail


def test_nothing_is_left_when_the_engine_is_interrupted(tmp_path: Path) -> None:
    files = {"machine.py": MACHINE.replace("{nasty}", "forever()"), "test_machine.py": TESTS}
    launcher = LocalLauncher()
    project = write_project(tmp_path, files, launcher=launcher)

    def interrupt(_progress: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        repair(project, ["test_machine.py::test_speed"], budget=30.0, progress=interrupt)
    assert launcher.started
    wait_for("every process to end", lambda: not _processes_in(tmp_path))


def _processes_in(folder: Path) -> list[int]:
    """Processes that were started in this folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if (entry / "cwd").readlink() == folder.resolve():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found
