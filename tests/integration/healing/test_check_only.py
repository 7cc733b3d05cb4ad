"""A heal that only looks: which tests pass at a revision, and nothing is repaired."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from paramedic_workers.errors import Verdict
from paramedic_workers.healing.healer import Healer
from paramedic_workers.healing.model import HealRequest, IncidentBrief
from paramedic_workers.settings import TargetSettings
from tests.support.repositories import Repository
from tests.support.small_shop import FILES, TEST

PASSES = "test_shop.py::test_for_free"
GONE = "test_shop.py::test_that_is_gone"


def test_only_what_passes_in_every_run_is_said_to_pass(
    repository: Callable[[dict[str, str]], Repository], tmp_path: Path
) -> None:
    shop = repository({**FILES, "CODEOWNERS": "test_shop.py @cart-team"})
    first = shop.git("rev-parse", "HEAD")
    shop.commit({"shop.py": FILES["shop.py"].replace("-=", "+=")})  # nobody asks about this one
    request = HealRequest(
        target=TargetSettings(
            name="shop",
            repository=str(shop.path),
            python=sys.executable,
            environment={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            runs=2,
        ),
        revision=first,
        incidents=tuple(
            IncidentBrief(fingerprint=name[-7:], test=name) for name in (TEST, PASSES, GONE)
        ),
        check_only=True,
    )
    report = Healer(data=tmp_path / "data").heal(request)
    assert report.passing == {PASSES}
    assert {result.verdict for result in report.results} == {Verdict.NOT_REPRODUCED}
    assert {result.owners for result in report.results} == {("@cart-team",)}
    assert TEST not in [test for result in report.results for test in result.failing_tests]
