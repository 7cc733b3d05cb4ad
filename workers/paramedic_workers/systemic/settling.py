"""What settles an incident of a pattern, as the ledger knows it.

The healer failed in it; it is settled when its newest result ends otherwise. `unhealed`
settles it only if the strategy that is switched off was not wanted: else nothing is known.
"""

from __future__ import annotations

from collections.abc import Sequence

from paramedic_workers.errors import Verdict
from paramedic_workers.incidents import IncidentRecord, Ledger
from paramedic_workers.results import AttemptOutcome
from paramedic_workers.systemic.model import PatternIncident


def settled_by_ledger(
    ledger: Ledger, incidents: Sequence[PatternIncident]
) -> list[tuple[PatternIncident, str]]:
    """Those that are settled, each with how, in a few words."""
    records = {one.fingerprint: one for one in ledger.members([i.fingerprint for i in incidents])}
    ends = ((one, _how(ledger, one, records.get(one.fingerprint))) for one in incidents)
    return [(incident, how) for incident, how in ends if how]


def _how(ledger: Ledger, incident: PatternIncident, record: IncidentRecord | None) -> str:
    """How an incident was settled; empty where it was not."""
    if record is None:
        return "forgotten"
    if record.verdict is None or record.result == incident.result:
        return "" if incident.harmed else _words(incident.verdict)
    if record.verdict is Verdict.FAILED:
        return ""
    if record.verdict is Verdict.UNHEALED and not _was_tried(ledger, incident, record):
        return ""
    return _words(record.verdict)


def _was_tried(ledger: Ledger, incident: PatternIncident, record: IncidentRecord) -> bool:
    """Whether the strategy that broke has been tried since, and did not break."""
    strategy = incident.signature.strategy
    result = ledger.result(record.result)
    if not strategy or result is None:
        return True
    outcomes = {one.outcome for one in result.attempts if one.strategy == strategy}
    return not outcomes & {AttemptOutcome.SWITCHED_OFF, AttemptOutcome.BROKE}


def _words(verdict: Verdict) -> str:
    return verdict.replace("_", " ")
