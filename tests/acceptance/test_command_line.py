"""What holds for every command: help, completion, mistakes, quick starts, settings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from paramedic_workers.cli.commands import COMMANDS
from tests.support.command_line import CommandLine, assert_one_clear_line


@pytest.fixture
def paramedic(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


def test_help_shows_every_command_and_examples(paramedic: CommandLine) -> None:
    done = paramedic.run("--help")
    assert done.returncode == 0
    assert all(f"  {name} " in done.stdout for name in COMMANDS)
    assert "paramedic heal . --apply" in done.stdout
    assert paramedic.run().stdout == done.stdout


@pytest.mark.parametrize("name", list(COMMANDS))
def test_each_command_explains_itself_with_examples(paramedic: CommandLine, name: str) -> None:
    done = paramedic.run(name, "--help")
    assert done.returncode == 0, done.stderr
    assert "Examples:" in done.stdout


def test_the_version_is_printed(paramedic: CommandLine) -> None:
    assert paramedic.run("--version").stdout.startswith("paramedic 0.")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_of_each_shell_is_printed(paramedic: CommandLine, shell: str) -> None:
    done = paramedic.run("completion", shell)
    assert done.returncode == 0
    assert "_PARAMEDIC_COMPLETE" in done.stdout


def test_completion_knows_commands_and_options(paramedic: CommandLine) -> None:
    def completed(words: str) -> str:
        asked = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
        return paramedic.run(_PARAMEDIC_COMPLETE="bash_complete", **asked).stdout

    assert "incidents" in completed("paramedic inc")
    assert "--apply" in completed("paramedic heal --a")


@pytest.mark.parametrize(
    ("broker", "state", "named"),
    [
        ("amqp://me:hunter2@127.0.0.1:1//", "redis://:hunter3@127.0.0.1:1", "ledger"),
        ("amqp://me:hunter2@127.0.0.1:1//", "", "broker"),
        ("redis://:hunter2@127.0.0.1:1", "", "broker"),
        ("redis+socket://", "", "names no socket"),
    ],
)
def test_what_cannot_be_reached_is_one_clear_line_without_a_password(
    paramedic: CommandLine, broker: str, state: str, named: str
) -> None:
    places = {"PARAMEDIC_BROKER_URL": broker, "PARAMEDIC_STATE_URL": state}
    done = paramedic.run("up", **places)
    assert_one_clear_line(done, named)
    assert "hunter" not in done.stdout + done.stderr


def test_unknown_commands_and_options_are_one_clear_line(paramedic: CommandLine) -> None:
    assert_one_clear_line(paramedic.run("hael"), "hael", "heal")
    assert_one_clear_line(paramedic.run("heal", "--aply"), "--aply", "--apply")
    assert_one_clear_line(paramedic.run("completion", "tcsh"), "tcsh")
    assert_one_clear_line(paramedic.run("heal", "one", "two"), "(two). See `paramedic heal --help`")
    assert_one_clear_line(paramedic.run("incidents"), "No broker", "paramedic up")


def test_debug_shows_the_traceback_wherever_it_stands(paramedic: CommandLine) -> None:
    for words in (["--debug", "heal", "nowhere"], ["heal", "nowhere", "--debug"]):
        done = paramedic.run(*words)
        assert done.returncode != 0
        assert "Traceback" in done.stderr
        assert "UsageError" in done.stderr


def test_a_reader_that_leaves_is_no_error(paramedic: CommandLine) -> None:
    words = "import subprocess,sys; p=subprocess.Popen(sys.argv[1:],stdout=subprocess.PIPE,"
    words += "stderr=subprocess.PIPE); p.stdout.close(); print(p.stderr.read().decode())"
    from tests.support.command_line import PROGRAM

    done = subprocess.run(
        [sys.executable, "-c", words, str(PROGRAM), "config", "show"],
        env=paramedic.environment(),
        cwd=paramedic.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == ""


def imported(paramedic: CommandLine, *words: str) -> set[str]:
    """The modules that a command imports."""
    code = (
        "import sys, paramedic_workers.cli as cli\n"
        "try: cli.main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "print('|'.join(sys.modules), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        env=paramedic.environment(),
        cwd=paramedic.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return {name.partition(".")[0] for name in done.stderr.strip().split("\n")[-1].split("|")}


def test_help_imports_next_to_nothing(paramedic: CommandLine) -> None:
    assert not imported(paramedic, "--help") & {
        "rich",
        "celery",
        "kombu",
        "redis",
        "jinja2",
        "structlog",
    }


def test_heal_imports_no_celery(paramedic: CommandLine) -> None:
    subprocess.run(["git", "init", "-q", "--bare", "shop"], cwd=paramedic.folder, check=True)
    environment = {
        **os.environ,
        "GIT_AUTHOR_NAME": "A",
        "GIT_AUTHOR_EMAIL": "a@example.com",
        "GIT_COMMITTER_NAME": "A",
        "GIT_COMMITTER_EMAIL": "a@example.com",
    }
    tree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    bare = ["git", "-C", "shop"]
    subprocess.run(
        [*bare, "hash-object", "-t", "tree", "-w", "/dev/null"],
        cwd=paramedic.folder,
        check=True,
        capture_output=True,
    )
    commit = subprocess.run(
        [*bare, "commit-tree", tree, "-m", "Begin"],
        cwd=paramedic.folder,
        check=True,
        capture_output=True,
        text=True,
        env=environment,
    ).stdout.strip()
    subprocess.run([*bare, "update-ref", "HEAD", commit], cwd=paramedic.folder, check=True)
    words = ("heal", "shop", "--json", "--python", sys.executable)
    assert not imported(paramedic, *words) & {"celery", "kombu", "redis", "billiard"}


def test_settings_are_checked_with_file_key_and_remedy(paramedic: CommandLine) -> None:
    assert paramedic.run("config", "check").returncode == 0
    (paramedic.folder / "paramedic.toml").write_text(
        '[targets.shop]\nrepository = "nowhere"\nrunz = 3\nbudget = -1\n[sinks.pager]\n'
    )
    done = paramedic.run("config", "check")
    assert done.returncode == 2
    for key in ("targets.shop.runz", "targets.shop.budget", "pager"):
        (line,) = [line for line in done.stderr.split("\n") if key in line]
        assert line.startswith("paramedic.toml: ")
    assert "Did you mean runs?" in done.stderr
    assert "\x1b" not in done.stderr


def test_every_command_that_needs_settings_names_their_mistakes(paramedic: CommandLine) -> None:
    (paramedic.folder / "paramedic.toml").write_text("lease_seconds = 'long'\n")
    for words in (["up"], ["incidents"], ["config", "show"], ["emit", "--target=a", "--test=b"]):
        assert_one_clear_line(paramedic.run(*words), "paramedic.toml", "lease_seconds")


def test_effective_settings_are_shown_without_secrets(paramedic: CommandLine) -> None:
    import tomllib

    url = "redis://worker:hunter2@broker.example:6379/0"
    done = paramedic.run("config", "show", PARAMEDIC_BROKER_URL=url)
    assert done.returncode == 0
    assert "hunter2" not in done.stdout + done.stderr
    assert tomllib.loads(done.stdout)["broker_url"] == "redis://worker:***@broker.example:6379/0"
    assert tomllib.loads(done.stdout)["data"] == str(paramedic.data)


def test_emit_names_the_mistake_in_its_input(paramedic: CommandLine) -> None:
    emit = ("emit", "--target", "shop")
    (paramedic.folder / "bad.xml").write_text("<testsuite><testcase></testsuite>")
    (paramedic.folder / "bad.json").write_text(json.dumps({"exception_type": "E", "count": 0}))
    assert_one_clear_line(paramedic.run(*emit), "--junit")
    assert_one_clear_line(paramedic.run(*emit, "--junit", "none.xml"), "none.xml")
    assert_one_clear_line(paramedic.run(*emit, "--junit", "bad.xml"), "bad.xml")
    assert_one_clear_line(paramedic.run(*emit, "--event", "none.json"), "none.json", "no such file")
    assert_one_clear_line(paramedic.run(*emit, "--event", "bad.json"), "bad.json", "count")
    assert_one_clear_line(paramedic.run(*emit, "--event", "-", stdin="?"), "is no JSON")
    assert_one_clear_line(paramedic.run(*emit, "--event", "-", stdin=""), "is empty")
    assert_one_clear_line(paramedic.run("emit", "--target", "a b", "--test", "t"), "'a b'")
    assert_one_clear_line(paramedic.run(*emit, "--test", "t"), "No broker", "paramedic up")


def test_emit_to_a_broker_that_is_away_keeps_the_events(paramedic: CommandLine) -> None:
    words = ("emit", "--target", "shop", "--test", "tests/test_a.py::test_b")
    url = "redis://:hunter2@127.0.0.1:1/0"
    done = paramedic.run(*words, PARAMEDIC_BROKER_URL=url)
    assert_one_clear_line(done, "1 kept on disk", "127.0.0.1:1")
    assert "hunter2" not in done.stderr
