"""A shop with a bug, and the looks for its fix on a real ledger."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from paramedic_workers.connections import state_client
from paramedic_workers.errors import Phase, Verdict
from paramedic_workers.healing.model import HealReport, HealRequest
from paramedic_workers.landing.looking import LandingLooks
from paramedic_workers.results import Cause, Confidence, Result
from paramedic_workers.settings import TargetSettings
from tests.support.landing_scene import BAD, BOTH, CART, TEST, Runs, Scene
from tests.support.queueing import Flow, make_settings
from tests.support.repositories import Repository, make_repository


@pytest.fixture
def flow(broker_url: str) -> Iterator[Flow]:
    """The flow on an empty ledger."""
    with state_client(broker_url) as client:
        yield Flow(client)


@pytest.fixture
def shop(tmp_path: Path) -> Repository:
    return make_repository(tmp_path / "shop", {"cart.py": BAD})


@pytest.fixture
def revision(shop: Repository) -> str:
    return shop.git("rev-parse", "HEAD")


@pytest.fixture
def patch(shop: Repository, revision: str) -> str:
    """The fix, as it is put on a branch of its own."""
    shop.git("checkout", "--quiet", "-b", "paramedic/fix", revision)
    shop.write({"cart.py": CART})
    shop.git("commit", "--quiet", "--all", "--message", "Mend it")
    shop.git("checkout", "--quiet", "main")
    return shop.git("diff", revision, "paramedic/fix") + "\n"


@pytest.fixture
def scene(flow: Flow, shop: Repository, revision: str, patch: str, tmp_path: Path) -> Scene:
    target = TargetSettings(name="shop", repository=str(shop.path), parallel=1)
    flow.settings = make_settings(tmp_path / "data", targets={"shop": target})

    def heal(request: HealRequest) -> HealReport:
        names = [incident.fingerprint for incident in request.incidents]
        result = Result(
            incident=names[0],
            fingerprint=names[0],
            target="shop",
            revision=revision,
            verdict=Verdict.HEALED,
            strategy="patch",
            summary="healed",
            cause=Cause(phase=Phase.REPRODUCE, type="AssertionError", message="assert 1 == 2"),
            failing_tests=(TEST,),
            merged=tuple(names[1:]),
            patch=patch,
            confidence=Confidence.HIGH,
        )
        return HealReport(results=(result,), revision=revision)

    flow.standin.act = heal
    flow.fail(*BOTH, revision=revision)
    (fix,) = flow.healer.heal("shop", revision).results
    runs = Runs()
    looks = LandingLooks(
        client=flow.client,
        settings=flow.settings,
        healer=lambda _progress: runs,
        sinks=("file",),
        clock=flow.clock,
    )
    return Scene(flow, shop, runs, looks, fix)
