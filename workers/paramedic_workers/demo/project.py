"""Makes the sample project: a small shop with a git history, and what is broken in it.

Each folder of `sample/` is one commit: `MESSAGE`, and the files it writes. They end in
`.txt`, so that no tool takes the shop's bugs for ours.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from paramedic_workers.errors import UsageError, Verdict

_AUTHOR = {"NAME": "Ada Shopkeeper", "EMAIL": "ada@shop.example"}
#: Hours between two commits of the sample's history.
_HOURS_BETWEEN = 19


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """One thing that is broken in the shop, and how its heal must end."""

    #: A few words for the table of the tour.
    kind: str
    #: Begins the node ids of the tests that fail for it.
    tests: str
    failing: int
    verdict: Verdict
    #: The strategy that must win, where there is a patch.
    strategy: str | None = None
    #: How often it is published: by the CI runs of release and main, unless said otherwise.
    occurrences: int = 2


#: How often the service of the tour meets the same failure.
REPEATS = 1_000

EXPECTATIONS = (
    Expectation(
        kind="wrong operator",
        tests="tests/test_prices.py::test_a_discount_lowers_the_price",
        failing=1,
        verdict=Verdict.HEALED,
        strategy="patch",
    ),
    Expectation(
        kind="off by one, five tests",
        tests="tests/test_catalogue.py::",
        failing=5,
        verdict=Verdict.HEALED,
        strategy="patch",
        occurrences=1,
    ),
    Expectation(
        kind="missing import",
        tests="tests/test_text.py::",
        failing=2,
        verdict=Verdict.HEALED,
        strategy="patch",
    ),
    Expectation(
        kind="regression by a commit",
        tests="tests/test_shipping.py::",
        failing=2,
        verdict=Verdict.HEALED,
        strategy="revert",
        occurrences=1,
    ),
    Expectation(
        kind="flaky test",
        tests="tests/test_labels.py::",
        failing=1,
        verdict=Verdict.FLAKY,
    ),
    Expectation(
        kind="never finished",
        tests="tests/test_invoices.py::",
        failing=1,
        verdict=Verdict.UNHEALED,
    ),
    Expectation(
        kind="a thousand repeats",
        tests="tests/test_stock.py::test_what_is_released_is_available_again",
        failing=1,
        verdict=Verdict.HEALED,
        strategy="patch",
        occurrences=REPEATS,
    ),
)


#: The tag of the release that the shop's service runs, and how far it is behind `main`.
RELEASE, BEHIND = "v1.0", 2


def make_project(root: Path) -> int:
    """Make the shop at `root`, with its history; gives the number of commits.

    The release, a little behind `main`, is tagged.

    Raises:
        UsageError: git is missing or refuses.
    """
    root.mkdir(parents=True)
    _git(root, {}, "init", "--quiet", "--initial-branch=main")
    commits = sorted(_commits(), key=lambda folder: folder.name)
    began = datetime.now(UTC) - timedelta(hours=_HOURS_BETWEEN * len(commits))
    for number, commit in enumerate(commits):
        _write(commit, root)
        at = (began + timedelta(hours=_HOURS_BETWEEN * number)).isoformat(timespec="seconds")
        dates = {"GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at}
        message = (commit / "MESSAGE").read_text(encoding="utf-8").strip()
        _git(root, {}, "add", "--all")
        _git(root, dates, "commit", "--quiet", "--no-verify", "--message", message)
    _git(root, {}, "tag", RELEASE, f"HEAD~{BEHIND}")
    return len(commits)


def _commits() -> list[Traversable]:
    sample = files("paramedic_workers.demo") / "sample"
    return [folder for folder in sample.iterdir() if folder.is_dir()]


def _write(source: Traversable, folder: Path) -> None:
    for entry in source.iterdir():
        if entry.is_dir():
            _write(entry, folder / entry.name)
        elif entry.name.endswith(".txt"):
            folder.mkdir(exist_ok=True)
            (folder / entry.name.removesuffix(".txt")).write_bytes(entry.read_bytes())


def _git(root: Path, dates: Mapping[str, str], *arguments: str) -> None:
    who = {f"GIT_{role}_{k}": v for role in ("AUTHOR", "COMMITTER") for k, v in _AUTHOR.items()}
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    plain = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    try:
        subprocess.run(
            ["git", "-C", str(root), *arguments],
            env={**inherited, **plain, **who, **dates},
            check=True,
            capture_output=True,
        )
    except FileNotFoundError as error:
        raise UsageError("git is not installed.", remedy="Install git.") from error
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode("utf-8", "replace").strip()
        raise UsageError(f"git {arguments[0]} failed: {said}.") from error
