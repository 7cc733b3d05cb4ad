"""What can be promised of a condition, each as it stands in the table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from paramedic import text
from paramedic_workers.dead_letters.model import Reason
from paramedic_workers.errors import Verdict
from paramedic_workers.incidents import IncidentState
from paramedic_workers.results import AttemptOutcome
from paramedic_workers.simulation.faults import Place
from paramedic_workers.simulation.model import Check
from paramedic_workers.simulation.observation import Facts


def ends(verdict: Verdict) -> Check:
    """Every result has this verdict."""
    return Check(expected=str(verdict), look=_verdicts)


def for_(error: str, place: Place) -> Check:
    """Every result names this exception, without its module, as its cause, in this phase."""
    return Check(expected=f"{error} in {place}", look=_causes)


def incidents(number: int) -> Check:
    """There are so many incidents."""
    return Check(
        expected=text.counted(number, "incident"),
        look=lambda f: text.counted(len(f.incidents), "incident"),
    )


def tickets(number: int) -> Check:
    """There are so many tickets, each of a result of its own."""
    return Check(
        expected=text.counted(number, "ticket"),
        look=lambda f: text.counted(len(f.tickets), "ticket"),
    )


def counted(number: int) -> Check:
    """Its events were counted, each once."""
    return Check(
        expected=f"counted {number:,}",
        look=lambda facts: f"counted {sum(i.count for i in facts.incidents):,}",
    )


def heals_at_most(number: int) -> Check:
    """A heal was begun at most so often."""
    expected = f"at most {text.counted(number, 'heal')}"

    def look(facts: Facts) -> str:
        begun = max((incident.attempts for incident in facts.incidents), default=0)
        return expected if 0 < begun <= number else text.counted(begun, "heal")

    return Check(expected=expected, look=look)


def struck(number: int) -> Check:
    """What breaks its worker was run exactly so often."""
    return Check(
        expected=f"run {_times(number)}", look=lambda facts: f"run {_times(facts.strikes)}"
    )


def letter(reason: Reason) -> Check:
    """Exactly one dead letter, for this reason."""
    return Check(expected=f"letter: {reason}", look=_letters)


def letter_names(*words: str) -> Check:
    """The dead letter tells of each death: how it ended, and where."""
    expected = f"with {', '.join(words)}"

    def look(facts: Facts) -> str:
        told = " ".join(repr(attempt) for one in facts.letters for attempt in one.attempts)
        missing = [word for word in words if word not in told]
        return f"without {', '.join(missing)}" if missing else expected

    return Check(expected=expected, look=look)


def says(words: str) -> Check:
    """The cause of every result has these words."""
    expected = f"“{words}”"

    def look(facts: Facts) -> str:
        said = {result.cause.message for result in facts.results}
        everywhere = bool(said) and all(words in one for one in said)
        return expected if everywhere else f"{said or 'nothing'}"

    return Check(expected=expected, look=look)


def acted(times: int) -> Check:
    """The sink has acted so often, with one effect."""
    return Check(
        expected=f"sink acted {_times(times)}",
        look=lambda facts: f"sink acted {_times(facts.calls)}",
    )


def _verdicts(facts: Facts) -> str:
    open_states = {i.state for i in facts.incidents if i.state is not IncidentState.CLOSED}
    found = [*open_states, *(result.verdict for result in facts.results)]
    return _several(found) or "no incident"


def _causes(facts: Facts) -> str:
    found = (f"{r.cause.type.rpartition('.')[2]} in {r.cause.phase}" for r in facts.results)
    return _several(found) or "no cause"


def _letters(facts: Facts) -> str:
    reasons = _several(one.reason for one in facts.letters)
    return f"letter: {reasons}" if reasons else "no letter"


def _one_result(facts: Facts) -> str:
    names = [name for r in facts.results for name in (r.incident, *r.merged)]
    own = [incident.fingerprint for incident in facts.incidents]
    if sorted(names) == sorted(own):
        return ONE_RESULT.expected
    return f"{len(names)} results for {text.counted(len(own), 'incident')}"


def _delivered(facts: Facts) -> str:
    ids = {result.id for result in facts.results}
    if facts.tickets == ids and not facts.undelivered:
        return DELIVERED.expected
    return f"{len(facts.tickets)} of {text.counted(len(ids), 'ticket')}"


def _named(facts: Facts) -> str:
    causes = [(r.summary, r.cause.type, r.cause.message) for r in facts.results]
    good = all(text.strip() for texts in causes for text in texts)
    return NAMED.expected if good else "a result without cause or subject"


def _unchanged(facts: Facts) -> str:
    changed = ", ".join(facts.changed)
    return f"changed: {changed}" if changed else UNCHANGED.expected


def _branched(facts: Facts) -> str:
    branches = {result.branch for result in facts.results if result.branch}
    pushed = {name.removeprefix("refs/heads/") for name in facts.branches}
    if facts.results and len(branches) == len(facts.results) and pushed == branches:
        return ON_BRANCH.expected
    return f"branches {_several(sorted(pushed)) or 'none'}"


def _out_of_time(facts: Facts) -> str:
    outcomes = {a.outcome for r in facts.results for a in r.attempts}
    return OUT_OF_TIME.expected if AttemptOutcome.OUT_OF_TIME in outcomes else "not out of time"


ONE_RESULT = Check(expected="1 result each", look=_one_result)
DELIVERED = Check(expected="delivered once", look=_delivered)
NAMED = Check(expected="with cause and subject", look=_named)
UNCHANGED = Check(expected="repository unchanged", look=_unchanged)
ON_BRANCH = Check(expected="on its branch", look=_branched)
NO_LETTER = Check(expected="no letter", look=_letters)
OUT_OF_TIME = Check(expected="an attempt out of time", look=_out_of_time)

#: Holds for every condition, and is not said again in the table.
ALWAYS = (ONE_RESULT, DELIVERED, NAMED, UNCHANGED)
#: The whole way, whatever happened on it.
HEALED = (ends(Verdict.HEALED), ON_BRANCH, NO_LETTER)


def failed(error: str, place: Place, reason: Reason = Reason.ERROR) -> tuple[Check, ...]:
    """The healer broke: the result says of what, and a dead letter keeps it."""
    return (ends(Verdict.FAILED), for_(error, place), letter(reason))


def _several(found: Iterable[object]) -> str:
    numbers = Counter(str(one) for one in found)
    return ", ".join(name if n == 1 else f"{name} ×{n}" for name, n in sorted(numbers.items()))


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"
