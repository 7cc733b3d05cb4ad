"""Results for tests of what shows and delivers them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from paramedic_workers import testing
from paramedic_workers.errors import Verdict
from paramedic_workers.results import Result

#: The patch of a healed result.
PATCH = testing.make_result().patch or ""


def make_result(**changes: Any) -> Result:
    """A healed result of now, with these members changed, whether they go together or not."""
    members = {"started_at": datetime.now(UTC), **changes}
    return msgspec.structs.replace(testing.make_result(), **members)


def make_unhealed(**changes: Any) -> Result:
    """An unhealed result: without patch, confidence and branch."""
    without = {"verdict": Verdict.UNHEALED, "strategy": None, "patch": None, "confidence": None}
    more = {"branch": None, "proof": (), "reasons": (), "summary": "no fix could be proved"}
    return make_result(**{**without, **more, **changes})
