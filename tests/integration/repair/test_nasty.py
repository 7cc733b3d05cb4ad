"""Code under test that misbehaves: the search survives it and leaves nothing behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from paramedic_workers.repair import SearchProgress, Stop, repair, targets
from paramedic_workers.repair.candidates import functions_of
from paramedic_workers.repair.edits import Candidate
from paramedic_workers.repair.messages import Letter
from paramedic_workers.repair.session import Session
from paramedic_workers.repair.source import Replacement, Source
from paramedic_workers.repair.validate import KnownTest, Validator
from tests.support.launchers import LocalLauncher
from tests.support.projects import PATIENCE, changed_lines, heal, write_project
from tests.support.waiting import wait_for

#: What candidates do. `survived()` is reached only where a guard is missing.
NASTY = {
    "exits": "sys.exit(0)",
    "exits hard": "os._exit(0)",
    "exits hard and says it failed": "os._exit(7)",
    "hangs": "while True: pass",
    "hangs and hides it": "forever()",
    "hangs where no signal reaches": "hang_in_c()",
    "takes the clock away": "signal.setitimer(signal.ITIMER_PROF, 0); forever()",
    "sleeps": "time.sleep(600); survived()",
    "eats memory": "mmap.mmap(-1, 3 << 30); survived()",
    "eats memory bit by bit": "grow(); survived()",
    "kills itself": "os.kill(os.getpid(), 9)",
    "kills its group": "os.killpg(0, 9)",
    "reads stdin": "sys.stdin.read(); os.read(0, 1) and survived(); raise ValueError",
    "closes everything": "os.closerange(0, 256)",
    "writes to every pipe": "scribble()",
    "starts a thread": "threading.Thread(target=time.sleep, args=(600,)).start()",
    "starts a process": "subprocess.Popen(['sleep', '600'], start_new_session=True)",
    "forks": "os.fork()",
    "changes the directory": "os.chdir('/')",
    "changes the environment": "os.environ['PATH'] = ''; os.environ['NEW'] = 'x'",
    "recurses": "nasty()",
    "recurses without end": "sys.setrecursionlimit(1 << 30); deep()",
    "spoils pytest": "pytest.Function.runtest = None",
    "spoils the hooks": "pytest.Function.setup = os._exit",
    "spoils the built-in functions": "import builtins; builtins.len = os._exit",
    "fills the disk": "flood(); survived()",
    "opens many files": "os.dup2(1, 5000); survived()",
    "prints a flood": "print('x' * (1 << 24))",
    "warns": "import warnings; warnings.warn('nasty')",
    "raises what is no exception": "raise pytest.exit.Exception('over')",
    "skips": "pytest.skip('no')",
}

HELPERS = """
    import mmap, os, signal, subprocess, sys, threading, time
    import pytest

    def survived():
        os.close(os.open("survived", os.O_CREAT | os.O_WRONLY))

    def forever():
        while True:
            try:
                while True:
                    pass
            except BaseException:
                pass

    def hang_in_c():
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGPROF, signal.SIGALRM])
        sum(range(1 << 60))

    def grow():
        return [mmap.mmap(-1, 64 << 20) for _ in range(40)]

    def deep():
        deep()

    def flood():
        with open("flood", "wb") as file:
            file.seek(1 << 30)
            file.write(b"x")

    def scribble():
        for descriptor in range(3, 64):
            try:
                os.write(descriptor, b"pp 0:1p\\n 1:1p\\n 2:1p\\n")
            except OSError:
                pass
"""
MACHINE = (
    HELPERS
    + """
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
)
TESTS = """
    from machine import speed

    def test_speed():
        assert speed(3) == 10

    def test_back():
        assert speed(1) == -1
        assert speed(2) == -2
"""


@dataclass
class Machine:
    """A warm process of a project whose candidates misbehave."""

    root: Path
    validator: Validator
    source: Source

    def candidate(self, text: str) -> Candidate:
        """`return gear - 7` replaced by another text."""
        start = self.source.text.index("gear - 7")
        function = next(f for f in functions_of(self.source) if f.node.name == "speed")
        part = Replacement(start, start + len("gear - 7"), text)
        return Candidate(self.source, function, (part,), "by hand", text, 1, 1.0)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    root = tmp_path_factory.mktemp("machine").resolve()
    bodies = "\n".join(
        f"def nasty_{n}():\n    nasty = nasty_{n}\n    {body}\n    return 10\n"
        for n, body in enumerate(NASTY.values())
    )
    speed = "def speed(gear):\n    return gear - 7\n"
    project = write_project(root, {"machine.py": HELPERS, "test_machine.py": TESTS})
    with (root / "machine.py").open("a") as file:
        file.write(f"\n{bodies}\n\n{speed}")
    wanted = targets.find_failing(project, ["test_machine.py::test_speed"])
    files = targets.test_files(project, wanted)
    with Session(project, seed=0, patience=30.0) as session:
        names = session.open(files).tests
        tests = [
            KnownTest(n, t.id, t.file, t.name, passes=n > 0, hangs=False, seconds=0.001, wall=0.001)
            for n, t in enumerate(names)
        ]
        validator = Validator(session, tests[:1], (), wanted, files, float("inf"))
        yield Machine(root, validator, Source.read(root / "machine.py", root))


@pytest.mark.parametrize("kind", NASTY)
def test_a_candidate_that_misbehaves_costs_only_itself(machine: Machine, kind: str) -> None:
    nasty = machine.candidate(f"nasty_{list(NASTY).index(kind)}() and gear + 8")
    right = machine.candidate("gear + 7")
    tests = machine.validator.failing
    letters = [one.letter for one in machine.validator.sift([nasty, right, nasty, right], tests)]
    assert letters[1::2] == [Letter.PASSED] * 2
    assert Letter.PASSED not in letters[::2]
    assert machine.validator.prove(nasty) is not Letter.PASSED
    assert machine.validator.prove(right) is Letter.PASSED
    assert not (machine.root / "survived").exists()
    flood = machine.root / "flood"
    assert not flood.exists() or flood.stat().st_size <= 64 << 20
    flood.unlink(missing_ok=True)
    warm = 2
    wait_for("every process to end", lambda: len(_processes_in(machine.root)) <= warm)


def test_a_hang_is_interrupted_without_a_new_process(machine: Machine) -> None:
    tell = machine.candidate("[open('processes', 'a').write(f'{os.getpid()} '), gear + 7][1]")
    hang = machine.candidate("[None for _ in iter(int, 1)]")
    machine.validator.sift([tell, hang, hang, tell], machine.validator.failing)
    processes = (machine.root / "processes").read_text().split()
    assert len(processes) == 2
    assert processes[0] == processes[1]


@pytest.mark.skipif(os.geteuid() == 0, reason="the number of root's processes has no limit")
def test_a_candidate_cannot_start_processes_without_end(machine: Machine) -> None:
    bomb = machine.candidate("all(os.fork() >= 0 for _ in range(12)) and survived()")
    letters = machine.validator.sift([bomb], machine.validator.failing)
    assert letters[0].letter is not Letter.PASSED
    wait_for("every process to end", lambda: len(_processes_in(machine.root)) <= 2)


@pytest.mark.parametrize("kind", ["exits hard", "hangs and hides it"])
def test_a_bug_among_candidates_that_misbehave_is_healed(tmp_path: Path, kind: str) -> None:
    files = {"machine.py": MACHINE.replace("{nasty}", NASTY[kind]), "test_machine.py": TESTS}
    project = write_project(tmp_path, files)
    report = repair(project, ["test_machine.py::test_speed"], budget=60.0)
    assert report.stop is Stop.FOUND, report.detail
    lines = [changed_lines(patch.diff)[-1].strip() for patch in report.patches]
    assert "+    return mode + 6" in lines
    wait_for("every process to end", lambda: not _processes_in(tmp_path))


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

    def interrupt(progress: SearchProgress) -> None:
        if progress.candidates:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        repair(project, ["test_machine.py::test_speed"], budget=PATIENCE, progress=interrupt)
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
