"""`paramedic heal`, by its command line, in small real checkouts."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command_line import LEAN_PYTEST, CommandLine, assert_one_clear_line
from tests.support.repositories import Repository, make_repository
from tests.support.waiting import wait_for

PRICES = '''\
"""Prices in cents."""

import math


def discounted(cents: int, percent: int) -> int:
    return cents - cents * percent // 100


def boxes(pieces: int, size: int) -> int:
    return math.ceil(pieces / size)
'''
TESTS = """\
from shop.prices import boxes, discounted


def test_a_discount_lowers_the_price():
    assert discounted(2000, 25) == 1500


def test_no_discount_changes_nothing():
    assert discounted(2000, 0) == 2000


def test_a_box_too_few_is_too_few():
    assert boxes(7, 3) == 3
"""
FILES = {
    "shop/__init__.py": "",
    "shop/prices.py": PRICES,
    "tests/test_prices.py": TESTS,
    "pyproject.toml": LEAN_PYTEST,
    ".gitignore": "__pycache__/\n.pytest_cache/\n",
}
WRONG = {"shop/prices.py": PRICES.replace("cents - cents", "cents + cents")}
BOTH_WRONG = {"shop/prices.py": WRONG["shop/prices.py"].replace("import math\n", "")}
PYTHON = ("--python", sys.executable)


@pytest.fixture
def paramedic(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return make_repository(tmp_path / "shop", FILES)


@pytest.fixture
def broken(tmp_path: Path) -> Repository:
    """With one bug in its only commit: there is nothing to revert."""
    return make_repository(tmp_path / "shop", {**FILES, **WRONG})


@pytest.fixture
def twice_broken(tmp_path: Path) -> Repository:
    """With two bugs in its only commit."""
    return make_repository(tmp_path / "shop", {**FILES, **BOTH_WRONG})


def passes(repository: Repository) -> bool:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:paramedic"]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=repository.path, env=environment, check=False)
    return done.returncode == 0


def nothing_is_left(paramedic: CommandLine) -> bool:
    return not paramedic.processes() and not paramedic.working_trees()


def test_a_bug_is_healed_and_the_checkout_left_alone(
    paramedic: CommandLine, broken: Repository
) -> None:
    before = broken.state()
    done = paramedic.run("heal", "shop", *PYTHON)
    assert done.returncode == 0, done
    for part in (
        "healed",
        "tests/test_prices.py::test_a_discount_lowers_the_price",
        "-    return cents + cents * percent // 100",
        "+    return cents - cents * percent // 100",
        "Proof",
        "Confidence",
        "paramedic heal shop --apply",
    ):
        assert part in done.stdout
    assert "\x1b" not in done.stdout + done.stderr
    assert broken.state() == before
    assert nothing_is_left(paramedic)
    (patch,) = paramedic.data.glob("reports/*/fix.patch")
    broken.git("apply", str(patch))
    assert passes(broken)


def test_a_file_that_does_not_parse_is_healed(paramedic: CommandLine, tmp_path: Path) -> None:
    unparsable = {"shop/prices.py": PRICES.replace("percent: int) -> int:", "percent: int) -> int")}
    repository = make_repository(tmp_path / "shop", {**FILES, **unparsable})
    done = paramedic.run("heal", "shop", *PYTHON)
    assert done.returncode == 0, done
    assert "healed" in done.stdout
    assert "a missing `:` in shop/prices.py line 6" in done.stdout
    (patch,) = paramedic.data.glob("reports/*/fix.patch")
    repository.git("apply", str(patch))
    assert (repository.path / "shop/prices.py").read_text() == PRICES


def test_apply_changes_what_the_patch_changes_and_nothing_else(
    paramedic: CommandLine, twice_broken: Repository
) -> None:
    before = twice_broken.state()
    done = paramedic.run("heal", "shop", "--apply", *PYTHON)
    assert done.returncode == 0, done
    assert "applied to shop/prices.py" in done.stderr
    assert done.stdout.count("Proof") == 2
    mended = (twice_broken.path / "shop/prices.py").read_text().split("\n")
    assert set(PRICES.split("\n")) == set(mended)
    after = twice_broken.state()
    assert {key for key in before if before[key] != after[key]} == {"files", "status"}
    assert twice_broken.git("status", "--porcelain") == "M shop/prices.py"
    assert passes(twice_broken)


def test_json_is_one_document(paramedic: CommandLine, twice_broken: Repository) -> None:
    done = paramedic.run("heal", "shop", "--json", *PYTHON)
    assert done.returncode == 0, done
    document = json.loads(done.stdout)
    assert document["verdict"] == "healed"
    assert document["confidence"] in ("medium", "high")
    assert len(document["results"]) == 2
    assert {result["verdict"] for result in document["results"]} == {"healed"}
    for result in document["results"]:
        assert "sandbox: " in result["log"]
        assert result["seconds"] == pytest.approx(sum(p["seconds"] for p in result["phases"]))
    subprocess.run(
        ["git", "apply"], input=document["patch"], text=True, cwd=twice_broken.path, check=True
    )
    assert passes(twice_broken)


def test_nothing_failing_is_said_and_is_no_failure(
    paramedic: CommandLine, repository: Repository
) -> None:
    done = paramedic.run("heal", str(repository.path), *PYTHON)
    assert (done.returncode, done.stdout.strip()) == (0, "✓ nothing fails here: 3 passed")
    document = json.loads(paramedic.run("heal", "shop", "--json", *PYTHON).stdout)
    assert document == {
        "verdict": "nothing_failing",
        "confidence": None,
        "patch": None,
        "results": [],
    }


def test_uncommitted_changes_belong_to_what_is_healed(
    paramedic: CommandLine, repository: Repository
) -> None:
    repository.write(WRONG)
    before = repository.state()
    done = paramedic.run("heal", "shop", *PYTHON)
    assert done.returncode == 0, done
    assert "return cents - cents" in done.stdout
    assert repository.state() == before


def test_a_named_commit_is_healed_whatever_the_working_files_are(
    paramedic: CommandLine, repository: Repository
) -> None:
    broken = repository.commit(WRONG, "Rewrite the discount")
    repository.write(FILES)  # mended, and not committed
    before = repository.state()
    done = paramedic.run("heal", "shop", "--rev", broken, "--json", *PYTHON)
    assert done.returncode == 0, done
    document = json.loads(done.stdout)
    assert document["results"][0]["revision"] == broken
    refused = paramedic.run("heal", "shop", "--rev", broken, "--apply", *PYTHON)
    assert refused.returncode == 2
    assert "nothing was applied: shop/prices.py is not what was healed" in refused.stderr
    assert repository.state() == before


def test_only_the_named_test_is_healed(paramedic: CommandLine, twice_broken: Repository) -> None:
    test = "tests/test_prices.py::test_a_box_too_few_is_too_few"
    document = json.loads(paramedic.run("heal", "shop", "--test", test, "--json", *PYTHON).stdout)
    (result,) = document["results"]
    assert result["failing_tests"] == [test]
    assert "+import math" in document["patch"]
    assert "+    return cents" not in document["patch"]


def test_what_cannot_be_healed_ends_with_one(
    paramedic: CommandLine, repository: Repository
) -> None:
    repository.commit({"tests/test_more.py": "def test_it():\n    assert open('nowhere').read()\n"})
    done = paramedic.run("heal", "shop", "--json", "--budget", "150", *PYTHON)
    assert done.returncode == 1, done
    document = json.loads(done.stdout)
    assert document["verdict"] == "unhealed"
    assert document["patch"] is None
    assert document["results"][0]["cause"]["type"] == "FileNotFoundError"


@pytest.mark.parametrize(
    "test",
    [
        "tests/test_prices.py::test_that_does_not_exist",
        "tests/test_prices.py::test[$(touch pwned); touch pwned `touch pwned`]",
        "--collect-only",
        "../../../../etc/passwd::test",
    ],
)
def test_a_node_id_that_is_none_ends_in_a_verdict(
    paramedic: CommandLine, repository: Repository, test: str
) -> None:
    before = repository.state()
    done = paramedic.run("heal", "shop", f"--test={test}", "--json", *PYTHON)
    assert done.returncode == 1, done
    (result,) = json.loads(done.stdout)["results"]
    assert result["verdict"] in ("not_reproduced", "environment")
    assert result["cause"]["message"]
    assert not list(paramedic.folder.rglob("pwned"))
    assert repository.state() == before
    assert nothing_is_left(paramedic)


def test_wrong_usage_is_one_clear_line(paramedic: CommandLine, repository: Repository) -> None:
    (paramedic.folder / "plain").mkdir()
    (paramedic.folder / "empty").mkdir()
    subprocess.run(["git", "init", "-q", "empty"], cwd=paramedic.folder, check=True)
    assert_one_clear_line(paramedic.run("heal", "nowhere"), "nowhere", "no folder")
    assert_one_clear_line(paramedic.run("heal", "plain"), "plain", "no git repository")
    assert_one_clear_line(paramedic.run("heal", "empty"), "empty", "no commit")
    for revision in ("v9", "--all", "HEAD^{tree}", "$(touch pwned)"):
        done = paramedic.run("heal", "shop", f"--rev={revision}", *PYTHON)
        assert_one_clear_line(done, f"no revision {revision!r}")
    assert_one_clear_line(paramedic.run("heal", "shop", "--python", "nowhere"), "--python")
    no_python = paramedic.run("heal", "shop", "--python", "shop/shop/prices.py")
    assert_one_clear_line(no_python, "--python", "permission denied")
    assert_one_clear_line(paramedic.run("heal", "shop", "--budget", "nan"), "--budget")
    assert_one_clear_line(paramedic.run("heal", "shop", "--budget", "inf"), "--budget")
    in_a_file = paramedic.run("heal", "shop", PARAMEDIC_DATA="shop/shop/prices.py")
    assert_one_clear_line(in_a_file, "data directory")
    assert_one_clear_line(paramedic.run("heal", "shop", "--budget", "soon"), "--budget", "soon")
    assert_one_clear_line(paramedic.run("heal", "shop", "--bugdet", "9"), "--budget")
    assert_one_clear_line(paramedic.run("heal", "shop", "--test="), "--test is empty")


def test_a_sandbox_that_is_required_and_missing_is_said_at_once(
    paramedic: CommandLine, repository: Repository
) -> None:
    programs = paramedic.folder / "programs"
    programs.mkdir()
    git = shutil.which("git")
    assert git
    (programs / "git").symlink_to(git)
    done = paramedic.run("heal", "shop", "--sandbox=required", *PYTHON, PATH=str(programs))
    assert_one_clear_line(done, "sandbox is required", "Install bubblewrap")


def test_settings_of_a_target_with_this_repository_are_used(
    paramedic: CommandLine, broken: Repository
) -> None:
    (paramedic.folder / "paramedic.toml").write_text(
        f'[targets.till]\nrepository = "shop"\nremote = "shop"\npython = "{sys.executable}"\n'
        'allowed_paths = ["docs/**"]\n'
    )
    done = paramedic.run("heal", "shop", "--json")
    (result,) = json.loads(done.stdout)["results"]
    assert result["target"] == "till"
    assert result["verdict"] == "unhealed"
    assert broken.git("branch", "--list", "paramedic/*") == ""


def test_a_folder_inside_a_repository_is_where_pytest_starts(
    paramedic: CommandLine, tmp_path: Path
) -> None:
    files = {f"services/shop/{name}": text for name, text in {**FILES, **WRONG}.items()}
    make_repository(tmp_path / "mono", {**files, "test_other.py": "def test(): assert False\n"})
    done = paramedic.run("heal", "mono/services/shop", "--json", *PYTHON)
    assert done.returncode == 0, done
    document = json.loads(done.stdout)
    assert "--- a/services/shop/shop/prices.py" in document["patch"]


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "term"]
)
def test_an_interrupted_heal_leaves_nothing_behind(
    paramedic: CommandLine, repository: Repository, number: signal.Signals, status: int
) -> None:
    repository.commit({"tests/test_slow.py": "import time\ndef test():\n    time.sleep(600)\n"})
    before = repository.state()
    with paramedic.started("heal", "shop", *PYTHON) as process:
        wait_for(
            "the tests to run",
            lambda: (
                any("pytest" in line and "--python" not in line for line in paramedic.processes())
                or len(paramedic.processes()) > 1
            ),
        )
        process.send_signal(number)
        output, _ = process.communicate(timeout=120)
    assert process.returncode == status, output
    assert "Traceback" not in output
    wait_for("every process to end", lambda: not paramedic.processes(), 10)
    assert paramedic.working_trees() == []
    assert repository.state() == before
