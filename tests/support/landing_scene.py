"""A target whose fix may have landed on its main branch, and a healer that only runs tests."""

from __future__ import annotations

from dataclasses import dataclass, field

from paramedic_workers.errors import Phase, Verdict
from paramedic_workers.healing.git import Git
from paramedic_workers.healing.model import HealReport, HealRequest
from paramedic_workers.landing.finding import MainBranch
from paramedic_workers.landing.looking import LandingLooks, LookEnd
from paramedic_workers.landing.records import Landings
from paramedic_workers.results import Cause, Result
from tests.support.queueing import Flow
from tests.support.repositories import Repository

CART = "".join(f"line {number}\n" for number in range(30))
BAD = CART.replace("line 15\n", "line fifteen\n")
TEST = "tests/test_cart.py::test_total"
BOTH = (TEST, "tests/test_cart.py::test_discount")


@dataclass
class Runs:
    """A healer that only runs tests; `passing` decides how."""

    passing: bool = True
    #: What it ends in otherwise than by running them.
    trouble: Verdict | BaseException | None = None
    requests: list[HealRequest] = field(default_factory=list)

    def heal(self, request: HealRequest) -> HealReport:
        """What the tests are said to do."""
        self.requests.append(request)
        assert request.check_only
        tests = [incident.test or "" for incident in request.incidents]
        if isinstance(self.trouble, BaseException):
            raise self.trouble
        if self.trouble is not None:
            return HealReport(results=(broken(self.trouble, tests),), revision="")
        return HealReport(results=(), revision="", passing=frozenset(tests if self.passing else ()))


def broken(verdict: Verdict, tests: list[str]) -> Result:
    """A result of a check that could not run these tests."""
    return Result(
        incident="x",
        fingerprint="x",
        target="shop",
        revision="",
        verdict=verdict,
        summary="it broke",
        cause=Cause(phase=Phase.PREPARE, type="OSError", message="away"),
        failing_tests=tuple(tests),
    )


@dataclass
class Scene:
    """A healed incident of a real repository, and looks at that."""

    flow: Flow
    shop: Repository
    runs: Runs
    looks: LandingLooks
    fix: Result

    def land(self) -> str:
        """Put the fix on the main branch; gives the commit."""
        return self.shop.commit({"cart.py": CART}, "Take the fix")

    def look(self) -> tuple[LookEnd, list[Verdict]]:
        """Look at the target once; gives the end, and what was told."""
        looked = self.looks.look("shop")
        return looked.end, [result.verdict for result in looked.results]

    @property
    def landings(self) -> Landings:
        """Those of the ledger."""
        return Landings(self.flow.client)


def look_at(shop: Repository) -> MainBranch:
    """Its main branch as it stands."""
    return MainBranch(git=Git(directory=shop.path / ".git"), tip=shop.git("rev-parse", "main"))
