"""Which past commits are fixes of bugs, by running their tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from paramedic_workers.backtest.grounds import Grounds
from paramedic_workers.backtest.history import changes
from paramedic_workers.backtest.mining import examine
from paramedic_workers.backtest.model import Bug, Change, Reason, Skipped
from paramedic_workers.backtest.trials import make_trial, texts_at
from paramedic_workers.settings import TargetSettings
from tests.support.histories import History


def listed(grounds: Grounds, since: str = "") -> list[Change]:
    return list(changes(grounds.git, "HEAD", grounds.target, since=since))


def examined(history: History, target: TargetSettings, grounds: Grounds) -> Bug | Skipped:
    """What comes of the newest commit, which the fixtures' clone has not seen yet."""
    grounds.git.run("fetch", "--quiet", str(history.repository.path), "+main:main")
    change = next(changes(grounds.git, "main", target))
    assert change.commit == history.repository.git("rev-parse", "main")
    return examine(grounds, change, grounds.workspace.revision)


def source(history: History, old: str, new: str) -> dict[str, str]:
    """The newest source with something replaced."""
    text = (history.repository.path / "shop/prices.py").read_text()
    assert old in text
    return {"shop/prices.py": text.replace(old, new)}


def with_test(history: History, line: str) -> dict[str, str]:
    """The newest tests with one more."""
    text = (history.repository.path / "tests/test_prices.py").read_text()
    return {"tests/test_prices.py": f"{text}\n\ndef test_more():\n    {line}\n"}


def test_small_changes_with_tests_are_listed_newest_first(
    grounds: Grounds, history: History
) -> None:
    subjects = [change.subject for change in listed(grounds)]
    assert subjects == ["Add free", "Find the cheapest", "Explain in a comment", "Lower the price"]
    change = listed(grounds)[-1]
    assert (change.commit, change.sources) == (history.discount, ("shop/prices.py",))
    assert (change.tests, change.lines) == (("tests/test_prices.py",), 2)


def test_older_commits_can_be_left_out(grounds: Grounds) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert listed(grounds, since="1990-01-01")
    assert listed(grounds, since=tomorrow.date().isoformat()) == []


def test_a_large_change_is_no_fix(
    history: History, target: TargetSettings, grounds: Grounds
) -> None:
    values = "".join(f"\nVALUE_{n} = {n}\n" for n in range(20))
    files = source(history, '"""Prices in cents."""\n', f'"""Prices."""\n{values}')
    history.repository.commit({**files, **with_test(history, "pass")}, "Much")
    grounds.git.run("fetch", "--quiet", str(history.repository.path), "+main:main")
    assert "Much" not in [change.subject for change in changes(grounds.git, "main", target)]


def test_a_merge_counts_as_one_change(
    history: History, target: TargetSettings, grounds: Grounds
) -> None:
    repository = history.repository
    repository.git("checkout", "--quiet", "-b", "labels")
    repository.commit(with_test(history, "pass"), "Test")
    repository.commit(source(history, "%d cent", "%s cent"), "Fix")
    repository.git("checkout", "--quiet", "main")
    repository.git("merge", "--quiet", "--no-ff", "--message", "Merge labels", "labels")
    grounds.git.run("fetch", "--quiet", str(repository.path), "+main:main")
    change = next(changes(grounds.git, "main", target))
    assert change.subject == "Merge labels"
    assert (change.sources, change.lines) == (("shop/prices.py",), 2)


def test_a_trial_is_the_parent_with_the_tests_and_then_the_source(grounds: Grounds) -> None:
    change = listed(grounds)[-1]
    trial = make_trial(grounds.git, change)
    bug = texts_at(grounds.git, trial.bug, ("shop/prices.py", "tests/test_prices.py"))
    assert "cents + cents" in bug["shop/prices.py"]
    assert "test_a_discount_lowers_the_price" in bug["tests/test_prices.py"]
    fix = texts_at(grounds.git, trial.fix, ("shop/prices.py",))
    assert "cents - cents" in fix["shop/prices.py"]
    assert make_trial(grounds.git, change) == trial, "the same commits whenever they are made"


def test_what_fails_before_and_passes_after_is_a_bug(grounds: Grounds, history: History) -> None:
    change = listed(grounds)[-1]
    found = examine(grounds, change, grounds.workspace.revision)
    assert isinstance(found, Bug)
    assert found.commit == history.discount
    assert set(found.failing) == {
        "tests/test_prices.py::test_a_discount_lowers_the_price",
        "tests/test_prices.py::test_half",
    }
    assert "tests/test_prices.py::test_label" in found.passing


def test_the_users_repository_is_not_written_to(grounds: Grounds, history: History) -> None:
    before = history.repository.state()
    for change in listed(grounds):
        examine(grounds, change, grounds.workspace.revision)
    assert history.repository.state() == before
    assert "refs/paramedic" not in history.repository.git("for-each-ref")


@pytest.mark.parametrize(
    ("subject", "reason"),
    [("Add free", Reason.ADDITION), ("Explain in a comment", Reason.NO_CODE)],
)
def test_what_is_no_bug_is_told_from_the_sources(
    grounds: Grounds, subject: str, reason: Reason
) -> None:
    change = next(change for change in listed(grounds) if change.subject == subject)
    found = examine(grounds, change, grounds.workspace.revision)
    assert isinstance(found, Skipped)
    assert found.reason is reason


def test_a_change_whose_tests_pass_without_it_is_no_bug(
    history: History, target: TargetSettings, grounds: Grounds
) -> None:
    files = source(history, "%d cent", "%i cent")
    files |= with_test(history, "assert label(2) == '2 cent'")
    history.repository.commit(files, "Rewrite")
    found = examined(history, target, grounds)
    assert isinstance(found, Skipped)
    assert found.reason is Reason.PASSES_BEFORE


def test_a_change_whose_tests_fail_with_it_could_not_be_run(
    history: History, target: TargetSettings, grounds: Grounds
) -> None:
    files = source(history, "%d cent", "%i cent")
    files |= with_test(history, "import a_module_that_is_not_there")
    history.repository.commit(files, "Use what is not installed")
    found = examined(history, target, grounds)
    assert isinstance(found, Skipped)
    assert found.reason is Reason.FAILS_AFTER
    assert "a_module_that_is_not_there" in found.detail


def test_tests_that_cannot_be_imported_before_are_no_bug(
    history: History, target: TargetSettings, grounds: Grounds
) -> None:
    files = source(history, "def discounted", "CURRENCY = 'EUR'\n\n\ndef discounted")
    tests = (history.repository.path / "tests/test_prices.py").read_text()
    files["tests/test_prices.py"] = f"from shop.prices import CURRENCY\n{tests}"
    history.repository.commit(files, "Name the currency")
    found = examined(history, target, grounds)
    assert isinstance(found, Skipped)
    assert found.reason is Reason.NOT_IMPORTABLE_BEFORE


def test_subjects_may_hold_any_character(
    history: History, target: TargetSettings, grounds: Grounds
) -> None:
    subject = "Fix \x01 and \x02, \x1e \x85 \u2028 too"
    files = {**source(history, "%d cent", "%s cent"), **with_test(history, "pass")}
    history.repository.commit(files, subject)
    grounds.git.run("fetch", "--quiet", str(history.repository.path), "+main:main")
    subjects = [change.subject for change in changes(grounds.git, "main", target)]
    assert subjects[0] == subject
    assert len(subjects) == 5
