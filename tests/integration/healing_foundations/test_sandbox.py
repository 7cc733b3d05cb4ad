"""The sandbox: what target code can see and do, and that nothing of it is left behind."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from paramedic_workers.errors import SandboxError
from paramedic_workers.healing.chain import NOBODY, Limits
from paramedic_workers.healing.model import Command
from paramedic_workers.healing.processes import BoundedOutput
from paramedic_workers.healing.sandbox import Sandbox
from paramedic_workers.settings import SandboxMode
from tests.integration.healing_foundations.conftest import (
    NO_BUBBLEWRAP,
    WITH_AND_WITHOUT_BUBBLEWRAP,
    MakeSandbox,
    processes_with,
    python_that,
)

needs_bubblewrap = pytest.mark.parametrize(
    "bubblewrap", WITH_AND_WITHOUT_BUBBLEWRAP[:1], indirect=True
)


@pytest.fixture
def bubblewrap(request: pytest.FixtureRequest) -> Sandbox:
    """A sandbox that must be under bubblewrap."""
    return Sandbox(SandboxMode.REQUIRED, limits=Limits(processes=20), bubblewrap=request.param)


def _ran(sandbox: Sandbox, argv: list[str], root: Path, **options: object) -> tuple[int, str]:
    """Exit status and output."""
    output = BoundedOutput()
    process = sandbox.start(Command(argv=argv, root=root, output=output.descriptor, **options))  # type: ignore[arg-type]  # passed on as given
    output.close()
    try:
        return process.wait(120), output.text()
    finally:
        process.kill()


@pytest.mark.parametrize(
    ("code", "status"),
    [("pass", 0), ("import sys; sys.exit(7)", 7), ("import os; os.kill(os.getpid(), 9)", -9)],
)
def test_the_exit_status_is_the_commands(
    make_sandbox: MakeSandbox, tree: Path, code: str, status: int
) -> None:
    assert _ran(make_sandbox(), python_that(code), tree)[0] == status


def test_the_tree_is_writable_and_the_environment_is_what_was_given(
    make_sandbox: MakeSandbox, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    (tree / "inner").mkdir()
    script = 'touch made && cd "$TMPDIR" && touch a && touch "$HOME/b" && pwd && env'
    status, output = _ran(
        make_sandbox(),
        ["sh", "-c", script],
        tree,
        directory=tree / "inner",
        environment={"GIVEN": "a b"},
    )
    assert status == 0, output
    assert (tree / "inner/made").exists()
    names = {line.partition("=")[0] for line in output.splitlines() if "=" in line}
    assert names - {"PWD", "OLDPWD", "SHLVL", "_", "PARAMEDIC_TREE"} == {
        "GIVEN",
        "PATH",
        "HOME",
        "LANG",
        "TMPDIR",
    }
    assert "hunter2" not in output
    assert [path.name for path in tree.parent.iterdir()] == ["tree"]


def test_descriptors_are_passed_on(make_sandbox: MakeSandbox, tree: Path) -> None:
    reader, writer = os.pipe()
    process = make_sandbox().start(
        Command(
            argv=python_that(f"import os; os.write({writer}, b'hello')"),
            root=tree,
            pass_fds=[writer],
        )
    )
    os.close(writer)
    assert process.wait(120) == 0
    with os.fdopen(reader) as pipe:
        assert pipe.read() == "hello"


def test_waiting_has_an_end(make_sandbox: MakeSandbox, tree: Path) -> None:
    process = make_sandbox().start(Command(argv=["sleep", "600"], root=tree))
    with pytest.raises(TimeoutError):
        process.wait(0.05)
    process.kill()
    assert process.wait() < 0
    process.kill()


_ESCAPES = {
    "a child in the background": "(sleep 600; : {mark}) &",
    "another session": "setsid sh -c 'sleep 600; : {mark}' &",
    "an orphan": "(setsid sh -c 'sleep 600; : {mark}' &);",
    "a new session without the environment": "env -i setsid sh -c 'sleep 600; : {mark}' &",
    "an orphan without the environment": "(env -i setsid sh -c '(sleep 600; : {mark}) & exit' &);",
    "two forks and a new session without the environment": "env -i setsid sh -c"
    " '(setsid sh -c \"sleep 600; : {mark}\" &) & exit' &",
    "deaf to signals": "(trap '' TERM HUP INT; setsid sh -c 'sleep 600; : {mark}') &",
}


@pytest.mark.parametrize("escape", _ESCAPES.values(), ids=_ESCAPES.keys())
@pytest.mark.parametrize("end", ["by itself", "killed"])
def test_nothing_is_left_of_what_was_started(
    make_sandbox: MakeSandbox, tree: Path, escape: str, end: str
) -> None:
    mark = f"mark-{os.urandom(6).hex()}"
    script = escape.format(mark=mark) + (" sleep 0.2" if end == "by itself" else " sleep 600")
    process = make_sandbox().start(Command(argv=["sh", "-c", script], root=tree))
    if end == "by itself":
        process.wait(120)
    else:
        with pytest.raises(TimeoutError):
            process.wait(0.2)
    process.kill()
    assert processes_with(mark) == []


def test_a_flood_of_output_is_bounded(make_sandbox: MakeSandbox, tree: Path) -> None:
    status, output = _ran(make_sandbox(), python_that("print('x' * 50_000_000 + 'end')"), tree)
    assert status == 0
    assert output.endswith("end\n")
    assert len(output) < 70_000


def test_memory_and_file_size_are_limited(make_sandbox: MakeSandbox, tree: Path) -> None:
    sandbox = make_sandbox(memory=512, file_size=1)
    status, output = _ran(sandbox, python_that("bytearray(600 << 20)"), tree)
    assert (status, "MemoryError" in output) == (1, True)
    grow = "f = open('big', 'wb')\nfor _ in range(9): f.write(bytes(1 << 18)); f.flush()"
    status, output = _ran(sandbox, python_that(grow), tree)
    assert "File too large" in output
    assert (tree / "big").stat().st_size == 1 << 20


_FORKS = """
import os, sys, time
for made in range(200):
    try:
        child = os.fork()
    except OSError as error:
        print("forked", made, error, flush=True)
        sys.exit(3)
    if not child:
        time.sleep(60)
        os._exit(0)
"""


@needs_bubblewrap
def test_processes_are_limited_for_each_run_apart(tree: Path, bubblewrap: Sandbox) -> None:
    other = bubblewrap.start(
        Command(argv=python_that(_FORKS.replace("sys.exit(3)", "time.sleep(60)")), root=tree)
    )
    status, output = _ran(bubblewrap, python_that(_FORKS), tree)
    other.kill()
    assert status == 3
    assert 10 <= int(output.split()[1]) < 20


@needs_bubblewrap
def test_nothing_of_the_machine_is_seen_but_the_system_and_what_was_given(
    tree: Path, tmp_path: Path, bubblewrap: Sandbox
) -> None:
    for name in ("given", "hidden"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(f"{name}\n")
    (tree / ".git").write_text("gitdir: elsewhere\n")
    script = f"""
        cat {tmp_path}/given/file .git; ls -A {tmp_path}; ls /proc | grep -c '^[0-9]'
        exec 2>&1
        cat {tmp_path}/hidden/file; ls /root; ls /home; cat /etc/shadow
        touch {tmp_path}/given/new; echo x > .git; mv .git moved; touch /new /usr/new /etc/new
    """
    _, output = _ran(bubblewrap, ["sh", "-c", script], tree, readable=[tmp_path / "given"])
    content, administration, *seen, processes = output.splitlines()[:5]
    assert (content, administration, seen) == ("given", "gitdir: elsewhere", ["given", "tree"])
    assert int(processes) < 8
    refused = output.splitlines()[5:]
    assert len(refused) == 10, output
    reasons = ("No such file", "Permission denied", "Read-only", "busy")
    assert all(any(reason in line for reason in reasons) for line in refused), output
    assert (tree / ".git").read_text() == "gitdir: elsewhere\n"


@needs_bubblewrap
def test_there_is_no_network(tree: Path, bubblewrap: Sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = f"import socket; socket.create_connection(('127.0.0.1', {port}), 5)"
        status, output = _ran(bubblewrap, python_that(code), tree)
        assert (status, "refused" in output) == (1, True)
        reached = bubblewrap.with_network()
        assert _ran(reached, python_that(code), tree) == (0, "")


@needs_bubblewrap
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_target_code_of_a_root_worker_is_nobody_without_any_capability(
    tree: Path, tmp_path: Path, bubblewrap: Sandbox
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    secret.chmod(0o600)
    script = f"id -u; cat {secret} 2>&1; grep -E 'CapEff|NoNewPrivs' /proc/self/status"
    _, output = _ran(bubblewrap, ["sh", "-c", script], tree, readable=[secret])
    assert output.splitlines()[0] == str(NOBODY)
    assert "Permission denied" in output
    assert "CapEff:\t0000000000000000" in output
    assert "NoNewPrivs:\t1" in output


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can enter."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        (Path(folder) / "tree").mkdir()
        yield Path(folder) / "tree"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_without_bubblewrap_too_a_root_worker_starts_nobody(open_folder: Path) -> None:
    sandbox = Sandbox(SandboxMode.OFF, limits=Limits(processes=20))
    _, output = _ran(sandbox, ["sh", "-c", "id -u; cat /etc/shadow"], open_folder)
    assert output.splitlines()[0] == str(NOBODY)
    assert "Permission denied" in output
    assert _ran(sandbox, ["/usr/bin/python3", "-c", _FORKS], open_folder)[0] == 3


def test_a_sandbox_that_is_required_and_missing_starts_nothing(tree: Path) -> None:
    sandbox = Sandbox(SandboxMode.REQUIRED, bubblewrap=NO_BUBBLEWRAP)
    with pytest.raises(SandboxError, match="bubblewrap is not installed") as caught:
        sandbox.start(Command(argv=["touch", "ran"], root=tree))
    assert "Install bubblewrap" in caught.value.remedy
    assert not (tree / "ran").exists()


def test_a_bubblewrap_that_does_not_work_is_as_good_as_none(tree: Path, tmp_path: Path) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'no namespaces here' >&2; exit 1\n")
    broken.chmod(0o755)
    sandbox = Sandbox(SandboxMode.REQUIRED, bubblewrap=str(broken))
    with pytest.raises(SandboxError, match="no namespaces here"):
        sandbox.check()
    preferred = Sandbox(SandboxMode.PREFERRED, bubblewrap=str(broken))
    assert _ran(preferred, ["echo", "ran"], tree) == (0, "ran\n")
    assert preferred.description.startswith("none: bubblewrap does not work here")


def test_the_description_says_what_is_in_force(make_sandbox: MakeSandbox) -> None:
    shown = make_sandbox().description
    assert shown in ("none: bubblewrap is not installed", f"{shown.split(',')[0]}, no network")
    assert "switched off" in Sandbox(SandboxMode.OFF).description


def test_a_program_that_does_not_exist_ends_like_in_a_shell(
    make_sandbox: MakeSandbox, tree: Path
) -> None:
    status, output = _ran(make_sandbox(), ["/nowhere/program"], tree)
    assert status == 127
    assert "/nowhere/program" in output


def test_a_start_is_cheap(make_sandbox: MakeSandbox, tree: Path) -> None:
    sandbox = make_sandbox()
    sandbox.start(Command(argv=["true"], root=tree)).wait(120)
    took, bare = [], []
    for _ in range(5):
        began = time.monotonic()
        sandbox.start(Command(argv=["true"], root=tree)).wait(120)
        took.append(time.monotonic() - began)
        began = time.monotonic()
        subprocess.run([sys.executable, "-c", "import json, pathlib"], check=True)
        bare.append(time.monotonic() - began)
    assert min(took) < 6 * min(bare)
