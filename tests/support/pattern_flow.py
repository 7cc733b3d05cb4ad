"""Failures of the healer that become patterns, on a real ledger."""

from __future__ import annotations

from typing import Any

from paramedic_workers.errors import Verdict
from paramedic_workers.settings import Settings
from paramedic_workers.sweep import Doorbells
from paramedic_workers.systemic.model import Pattern
from paramedic_workers.systemic.patterns import Patterns
from paramedic_workers.systemic.switching import Switches
from tests.support.healer_failures import (
    breaking,
    fail_and_heal,
)
from tests.support.queueing import Flow, make_settings


def settings_of(**changes: Any) -> Settings:
    """Settings with which no breaker opens first."""
    return make_settings(breaker_failures=0, **changes)


def sweep(flow: Flow) -> Doorbells:
    """One whole sweep: it is what searches."""
    return flow.sweeper().sweep()


def patterns(flow: Flow) -> Patterns:
    """Those of the ledger."""
    return Patterns(flow.client, flow.settings, flow.clock)


def the_pattern(flow: Flow) -> Pattern:
    """The only one."""
    (found,) = patterns(flow).all()
    return found


def a_pattern(flow: Flow, *targets: str, verdict: Verdict = Verdict.UNHEALED) -> Pattern:
    """Five incidents in which the strategy `patch` broke, over these targets in turn."""
    for number in range(5):
        target = (targets or ("shop",))[number % max(len(targets), 1)]
        act = breaking("patch", looked=["revert"], verdict=verdict)
        fail_and_heal(flow, f"test_{number}", act, target)
    sweep(flow)
    (found,) = patterns(flow).open_patterns()
    return found


def off_at(flow: Flow, target: str) -> list[str]:
    """The strategies that are switched off at this target."""
    switches = Switches(flow.client, flow.settings, flow.clock)
    return [one.strategy for one in switches.off_at(target)]
