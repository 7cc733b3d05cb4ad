"""Replays conditions: side by side, then those that disturb the others, in turns.

1. Each condition publishes, acts, and is looked at until all that is promised is seen, or
   nothing more is to be expected, or its time is up.
2. When everything is quiet each is looked at once more: what was seen must still hold.
3. The workers are stopped; then nothing may be left of them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

import redis

from paramedic_workers.simulation.ground import Ground, ground, strays
from paramedic_workers.simulation.model import Check, Condition, Outcome, Standing, Turn
from paramedic_workers.simulation.observation import Facts
from paramedic_workers.simulation.promises import ALWAYS
from paramedic_workers.simulation.publishing import failures
from paramedic_workers.simulation.scene import NotReached, Scene

#: Conditions of a turn that are replayed at once.
_AT_ONCE = {Turn.WAITING: 4, Turn.SIDE_BY_SIDE: 5, Turn.BROKER: 3, Turn.ALONE: 1}
#: Turns that are replayed together, in this order.
_TURNS = ((Turn.WAITING, Turn.SIDE_BY_SIDE), (Turn.BROKER,), (Turn.ALONE,))
#: Seconds that a condition may take, and how many heals alone of this machine at least.
_PATIENCE, _PATIENCE_HEALS = 100.0, 30.0
#: Seconds after which all of it must have ended.
WHOLE = 285.0
#: Seconds that what is settled may still change.
_GRACE = 6.0
#: Seconds until everything must be quiet in the end.
_QUIET = 20.0
_LOOK = 0.3
#: The name of the row about what is left on the machine.
AFTERWARDS = "afterwards"

Tell = Callable[[Outcome], None]


def ignore(_outcome: Outcome) -> None:
    """For those who do not watch."""


@dataclass(kw_only=True)
class Simulation:
    """Replays conditions; use it once."""

    conditions: Sequence[Condition]
    #: Told of each condition when it begins and when it has ended, from several threads.
    tell: Tell = ignore
    #: Seconds after which all of it must have ended.
    whole: float = WHOLE
    _stopping: threading.Event = field(default_factory=threading.Event)
    _end: float = 0.0

    def run(self) -> list[Outcome]:
        """The outcomes, in the order of the conditions, and what was left afterwards.

        Raises:
            UsageError: git does not work.
            BrokerError: broker or workers do not start.
        """
        self._end = time.monotonic() + self.whole
        with ExitStack() as stack:
            place = stack.enter_context(ground(self.conditions))
            stack.callback(self._stopping.set)
            scenes = [self._scene(place, condition) for condition in self.conditions]
            outcomes: dict[str, Outcome] = {}
            for turns in _TURNS:
                outcomes.update(self._replay([s for s in scenes if s.condition.turn in turns]))
            quiet = self._await_quiet(place)
            final = [self._final(scene, outcomes[scene.condition.name]) for scene in scenes]
            place.supervisor.stop()
            left = [*quiet, *place.leftovers(), *(f"process {p}" for p in strays(place.folder))]
        return [*final, _afterwards(left)]

    def _scene(self, place: Ground, condition: Condition) -> Scene:
        sample = place.samples.named(condition.target)
        place.observer.book.write(condition.target, condition.faults)
        return Scene(
            condition=condition,
            sample=sample,
            book=place.observer.book,
            observer=place.observer,
            clock=place.clock,
            broker_url=place.supervisor.broker_url,
            stopping=self._stopping.is_set,
            patience=max(_PATIENCE, place.pace * _PATIENCE_HEALS),
            end=self._end,
            revision=sample.head(),
            state=sample.state(),
        )

    def _replay(self, scenes: Sequence[Scene]) -> Iterator[tuple[str, Outcome]]:
        """Replay the conditions of a turn; gives their names and outcomes."""
        pools: dict[Turn, ThreadPoolExecutor] = {}
        try:
            under_way: list[Future[Outcome]] = []
            for scene in scenes:
                turn = scene.condition.turn
                if turn not in pools:
                    pools[turn] = ThreadPoolExecutor(_AT_ONCE[turn])
                under_way.append(pools[turn].submit(self._replay_one, scene))
            wait(under_way)
            for scene, ended in zip(scenes, under_way, strict=True):
                yield scene.condition.name, ended.result()
        except BaseException:
            self._stopping.set()
            raise
        finally:
            for pool in pools.values():
                pool.shutdown(cancel_futures=True)

    def _replay_one(self, scene: Scene) -> Outcome:
        began, trouble = time.monotonic(), ""
        self.tell(_outcome(scene.condition, "", Standing.UNDER_WAY))
        try:
            (scene.condition.publish or failures())(scene)
            if scene.condition.act is not None:
                scene.condition.act(scene)
        except NotReached as error:
            trouble = str(error)
        except Exception as error:  # noqa: BLE001 - one condition never spoils the others
            trouble = f"{type(error).__name__}: {error}"
        outcome = self._await_end(scene, trouble)
        outcome = replace(outcome, seconds=round(time.monotonic() - began, 1))
        self.tell(outcome)
        return outcome

    def _await_end(self, scene: Scene, trouble: str) -> Outcome:
        """Look until the promise holds, or nothing more is to be expected."""
        end = min(time.monotonic() + scene.patience, self._end)
        settled_at = float("inf")
        while True:
            present = time.monotonic()
            facts = _facts(scene)
            if facts is not None and facts.settled:
                settled_at = min(settled_at, present)
            else:
                settled_at = float("inf")
            over = present > end or present > settled_at + _GRACE or self._stopping.is_set()
            if facts is not None and (over or not _broken(scene.condition.promise, facts)):
                late = "" if present < self._end else "the whole time is over"
                outcome = _judged(scene, facts, trouble or late)
                if over or outcome.as_promised:
                    return outcome
            elif over:
                return _outcome(scene.condition, "the ledger does not answer", Standing.BROKEN)
            self._stopping.wait(_LOOK)

    def _await_quiet(self, place: Ground) -> list[str]:
        """Wait until nothing is under way any more; says what is."""
        end = min(time.monotonic() + _QUIET, self._end)
        while time.monotonic() < end:
            try:
                if place.observer.idle():
                    return []
            except redis.RedisError:
                pass  # the server is being started again
            time.sleep(_LOOK)
        return ["unfinished work in the ledger"]

    def _final(self, scene: Scene, before: Outcome) -> Outcome:
        """The outcome by what is to be seen now that all is quiet."""
        if not before.as_promised:
            return before
        facts = _facts(scene)
        if facts is None:
            return replace(before, seen="the ledger does not answer", standing=Standing.BROKEN)
        return replace(_judged(scene, facts, ""), seconds=before.seconds)


def _facts(scene: Scene) -> Facts | None:
    try:
        return scene.facts()
    except redis.RedisError:
        return None


def _judged(scene: Scene, facts: Facts, trouble: str) -> Outcome:
    """What is seen, the repository included, against what is promised."""
    condition = scene.condition
    present = scene.sample.state()
    names = sorted(scene.state.keys() | present.keys())
    facts = replace(
        facts,
        branches=scene.sample.branches(),
        changed=tuple(name for name in names if scene.state.get(name) != present.get(name)),
    )
    broken = [check.look(facts) for check in _broken(ALWAYS, facts)]
    seen = ", ".join(
        [*(check.look(facts) for check in condition.promise), *broken, *[trouble][: bool(trouble)]]
    )
    held = not trouble and not broken and not _broken(condition.promise, facts)
    return _outcome(condition, seen, Standing.AS_PROMISED if held else Standing.BROKEN)


def _broken(checks: Sequence[Check], facts: Facts) -> list[Check]:
    return [check for check in checks if check.look(facts) != check.expected]


def _outcome(condition: Condition, seen: str, standing: Standing) -> Outcome:
    return Outcome(
        name=condition.name,
        title=condition.title,
        expected=condition.expected,
        seen=seen,
        standing=standing,
    )


def _afterwards(left: Sequence[str]) -> Outcome:
    return Outcome(
        name=AFTERWARDS,
        title="when all of it has ended: processes, working trees, locks, work undone",
        expected="nothing left",
        seen=", ".join(left) or "nothing left",
        standing=Standing.BROKEN if left else Standing.AS_PROMISED,
    )
