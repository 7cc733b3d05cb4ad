"""What is said of dead letters: their reasons, what came of a replay, what to do next."""

from __future__ import annotations

from collections.abc import Mapping

from paramedic_workers.dead_letters.model import DeadLetter, LetterState, Reason
from paramedic_workers.dead_letters.replay import RAW_ITEM, ReplayEnd

#: The style of each reason's colour: `bad` where Paramedic itself is in trouble.
TONES: Mapping[Reason, str] = {
    Reason.INVALID: "mild",
    Reason.ATTEMPTS_EXHAUSTED: "bad",
    Reason.WORKER_LOST: "bad",
    Reason.TIMEOUT: "mild",
    Reason.ERROR: "bad",
    Reason.DELIVERY_FAILED: "cool",
}

#: What each reason means, and what a person can do about it.
ADVICE: Mapping[Reason, str] = {
    Reason.INVALID: (
        "A producer and these workers disagree: on the name of a target, on the form of an "
        "event, or on who may send here. Add the target to the settings, mend the producer or "
        "upgrade the workers; restart them; then replay it. What nobody wants can be dropped."
    ),
    Reason.ATTEMPTS_EXHAUSTED: (
        "It was tried as often as it may be, and ended differently each time: see the attempts. "
        "Look at the workers' logs at those times, mend the cause, then replay it."
    ),
    Reason.WORKER_LOST: (
        "Whoever worked on it died each time: see the attempts for phase, signal and host. The "
        "usual cause is memory; give the worker more, or lower the target's `memory`, before "
        "you replay it."
    ),
    Reason.TIMEOUT: (
        "It took longer than it may. Raise the target's `budget` or `run_timeout`, or find out "
        "what hangs in that phase; then replay it."
    ),
    Reason.ERROR: (
        "Paramedic itself broke: the traceback says where. Upgrade or mend it, then replay it. "
        "`paramedic incidents` shows the incident's result."
    ),
    Reason.DELIVERY_FAILED: (
        "The sink did not take the result: see what it said. Mend the sink, its address or its "
        "credentials, then replay it; it gets the same result, under the same id."
    ),
}

#: What came of a replay, in words for a person.
ENDS: Mapping[ReplayEnd, str] = {
    ReplayEnd.REPLAYED: "replayed",
    ReplayEnd.DEAD_AGAIN: "replayed, and dead again already",
    ReplayEnd.ALREADY: "had been replayed before, and has not failed since",
    ReplayEnd.SPENT: "was replayed as often as may be: mend the cause, then emit the failure again",
    ReplayEnd.SETTLED: "is settled: what it stood for ended well otherwise; drop it",
    ReplayEnd.LOST: "cannot be replayed: its incident or result is not kept any more; drop it",
    ReplayEnd.NO_QUEUE: "cannot be replayed: these settings have no queue of its name",
    ReplayEnd.NO_MESSAGE: "cannot be replayed: it is no message that the broker takes; drop it",
    ReplayEnd.GONE: "is gone: somebody has dropped it",
}


def what_next(letter: DeadLetter, limit: int) -> str:
    """What a person can do about a letter.

    Args:
        letter: the letter.
        limit: how often it may be replayed.
    """
    if letter.state is LetterState.REPLAYED:
        return "It was replayed and has not failed since: there is nothing to do."
    if letter.original.properties.get(RAW_ITEM):
        return (
            "Something wrote to the broker's list that is no message, so it cannot be replayed. "
            "Find out who has access, then drop it."
        )
    if letter.state is LetterState.DEAD and len(letter.replays) >= limit:
        return f"{ADVICE[letter.reason]} But it {ENDS[ReplayEnd.SPENT]}."
    return ADVICE[letter.reason]


def what_replay_does(letter: DeadLetter) -> str:
    """What a replay of this letter does, in words for a person."""
    if letter.sink and letter.result:
        return f"result {letter.result} goes to {letter.sink} again"
    if letter.incident:
        return f"incident {letter.incident[:10]} of {letter.target or '?'} is healed again"
    return f"its message goes to {letter.queue} again"
