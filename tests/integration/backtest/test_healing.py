"""Healing a bug of the past, and comparing with people's fix."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from msgspec.structs import replace as replace_fields

from paramedic_workers.backtest.campaign import Findings
from paramedic_workers.backtest.grounds import Grounds
from paramedic_workers.backtest.healing import heal_bug
from paramedic_workers.backtest.history import changes
from paramedic_workers.backtest.learning import learn
from paramedic_workers.backtest.mining import examine
from paramedic_workers.backtest.model import Bug, Likeness
from paramedic_workers.errors import Verdict
from tests.support.histories import History

#: Seconds of a search: plenty for these bugs, also on a busy machine.
BUDGET = 60.0


def oldest_bug(grounds: Grounds) -> Bug:
    change = list(changes(grounds.git, "HEAD", grounds.target))[-1]
    found = examine(grounds, change, grounds.workspace.revision)
    assert isinstance(found, Bug)
    return found


def test_a_bug_is_healed_as_people_did(grounds: Grounds, history: History) -> None:
    bug = oldest_bug(grounds)
    outcome = heal_bug(grounds, bug, BUDGET)
    assert outcome.verdict in (Verdict.HEALED, Verdict.PROPOSED), outcome.summary
    assert outcome.compared is not None
    assert outcome.compared.likeness is Likeness.SAME
    assert "+    return cents - cents * percent // 100" in outcome.patch
    assert outcome.digest == hashlib.sha256(outcome.patch.encode()).hexdigest()
    assert outcome.commit == history.discount
    assert outcome.seconds >= outcome.search_seconds > 0
    chosen = [patch for patch in outcome.patches if patch.chosen]
    assert [patch.digest for patch in chosen] == [outcome.digest]
    assert chosen[0].evidence, "what the trust model weighs is kept"
    assert chosen[0].proved


def test_only_the_patch_engine_heals_though_the_history_has_the_fix(grounds: Grounds) -> None:
    bug = oldest_bug(grounds)
    nothing_may_change = replace_fields(grounds.target, protected_paths=("**/*.py",))
    outcome = heal_bug(replace(grounds, target=nothing_may_change), bug, BUDGET)
    assert outcome.verdict is Verdict.UNHEALED, outcome.summary
    assert (outcome.patch, outcome.compared, outcome.confidence) == ("", None, None)
    assert outcome.attempts


def test_learning_finds_the_template_that_a_fix_is_made_of(grounds: Grounds) -> None:
    bug = oldest_bug(grounds)
    findings = Findings(revision="HEAD", bugs=(bug,), skipped=(), outcomes=())
    learned = learn(grounds.target, grounds.data, findings)
    assert (learned.stretches, learned.matched) == (1, 1)
    (name,) = learned.seen
    assert learned.priors[name] > 1.0
    assert min(learned.priors.values()) < 1.0
