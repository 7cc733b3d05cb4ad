"""The whole life of tickets, with prism between: it judges each request and each answer."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from paramedic_workers.errors import Verdict
from paramedic_workers.systemic.patterns import Patterns
from tests.support.healer_failures import breaking, fail_and_heal
from tests.support.jira import EMAIL, TOKEN, StandInJira
from tests.support.jira_contract import NEEDS_CONTRACT, VARIABLE
from tests.support.jira_flow import TicketFlow
from tests.support.prism import NEEDS_PRISM, Prism, judged_by_prism
from tests.support.queueing import make_settings
from tests.support.waiting import wait_for

pytestmark = [NEEDS_CONTRACT, NEEDS_PRISM]

INVALID = (
    "Request terminated with error: "
    "https://stoplight.io/prism/errors#UNPROCESSABLE_ENTITY: Invalid request"
)


@pytest.fixture
def prism(jira: StandInJira, tmp_path: Path) -> Iterator[Prism]:
    contract = Path(os.environ[VARIABLE], "jira-contract-small.json")
    jira.never_empty = True
    with judged_by_prism(contract, jira.url, tmp_path) as judge:
        yield judge


def test_everything_that_is_said_keeps_to_the_contract(
    jira: StandInJira, tickets: TicketFlow, prism: Prism
) -> None:
    tickets.use(
        url=prism.url,
        priorities={Verdict.HEALED: "Low", Verdict.UNHEALED: "High"},
        components=("cart",),
        assignee="5b10ac8d82e05b22cc7d4ef5",
        fields={"customfield_10042": {"value": "CI"}},
        report_url="https://ci.example/reports/{incident}",
    )
    tickets.deliver(tickets.heal(Verdict.UNHEALED, "test_a"))
    tickets.flow.fail("test_a", revision=f"{1:040x}")
    tickets.sink.tend()
    tickets.deliver(tickets.heal(Verdict.UNHEALED, "test_b"))
    jira.resolve("SHOP-2", "Fixed")
    tickets.deliver(tickets.heal(Verdict.HEALED, "test_a", "test_b"))
    tickets.deliver(tickets.heal(Verdict.ALREADY_FIXED, "test_a", "test_b"))

    _fail_twice(tickets)
    tickets.sink.tend()

    asked = len(jira.requests)
    # It writes its log a little later: this one shows that it has come to the end of it.
    httpx.post(f"{prism.url}/rest/api/3/issue", json={"fields": {}}, auth=(EMAIL, TOKEN))
    wait_for("the violation", lambda: prism.violations, 10)
    assert prism.violations == ["post /rest/api/3/issue " + INVALID]
    assert prism.judged == asked + 1
    first, second, *children, epic = jira.tickets.values()
    assert [child.parent for child in children] == [epic.id] * 2
    assert second.history == ["To Do", "Done", "To Do", "Done"]
    assert first.links
    assert second.remote_links
    assert {one.name for one in second.attachments} >= {"heal.log", "fix.patch", "result.json"}
    kinds = {(one.method, one.path.rpartition("/")[2]) for one in jira.requests}
    assert kinds >= {("POST", "issue"), ("POST", "jql"), ("POST", "comment")}
    assert kinds >= {("POST", "attachments"), ("POST", "transitions"), ("POST", "issueLink")}


def _fail_twice(tickets: TicketFlow) -> None:
    """Let the healer fail in the same way twice: that is a pattern."""
    flow = tickets.flow
    flow.settings = make_settings(breaker_failures=0, systemic_failures=2, sinks={"jira": {}})
    tickets.use()
    for number in range(2):
        incident = fail_and_heal(flow, f"test_{number}", breaking("patch"))
        tickets.deliver(flow.ledger.results_of(incident)[-1])
    Patterns(flow.client, flow.settings, flow.clock).scan()
