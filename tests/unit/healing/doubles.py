"""Stand-ins for the parts of a heal, which need no repository and start no process.

A `World` is a target in memory: what each of its tests does is a function of the patches
that are applied to the working tree and of the hash seed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any, Self

from paramedic.event import Frame
from paramedic_workers.healing.bench import Bench
from paramedic_workers.healing.model import (
    Case,
    Deadline,
    HealReport,
    HealRequest,
    IncidentBrief,
    KnownFix,
    OfferedPatch,
    RunEnd,
    RunReport,
    StrategyReport,
    TestOutcome,
    TestReport,
    always_publish,
)
from paramedic_workers.results import AttemptOutcome, Confidence
from paramedic_workers.settings import TargetSettings

#: Whether a test passes with these patches applied and this hash seed; None: it is not there.
Behaviour = Callable[[frozenset[str], int], bool | None]


def patch_of(path: str, before: str, after: str) -> str:
    """A unified diff that changes the first line of a file."""
    return f"--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-{before}\n+{after}\n"


#: Patches that the worlds of the tests know.
FIX_A, FIX_B = patch_of("shop/a.py", "a", "b"), patch_of("shop/b.py", "a", "b")
CHEAT = patch_of("tests/test_shop.py", "a", "b")
CHEAT_IN_CODE = patch_of("shop/cheat.py", "a", "b")


def always(_patches: frozenset[str], _seed: int) -> bool:
    """A test that passes."""
    return True


def needs(*patches: str) -> Behaviour:
    """A test that passes once these patches are applied."""
    return lambda applied, _seed: applied >= set(patches)


@dataclass
class World:
    """A target whose tests are functions; by name, in `tests/test_shop.py`."""

    tests: dict[str, Behaviour]
    #: Where each failing test raises, as `module.function`; in the test itself if not named.
    places: dict[str, str] = field(default_factory=dict)
    #: Runs so far: which tests (none: all), which patches, which seed.
    runs: list[tuple[tuple[str, ...], frozenset[str], int]] = field(default_factory=list)
    applied: dict[Path, set[str]] = field(default_factory=dict)

    def run(self, root: Path, tests: Sequence[str], seed: int) -> RunReport:
        """What pytest would say."""
        patches = frozenset(self.applied[root])
        self.runs.append((tuple(tests), patches, seed))
        names = [test.partition("::")[2] or test for test in tests] or list(self.tests)
        outcomes = {n: self.tests[n](patches, seed) if n in self.tests else None for n in names}
        end = RunEnd.NOT_FOUND if None in outcomes.values() else RunEnd.FINISHED
        reports = [self._report(n, ok) for n, ok in outcomes.items() if ok is not None]
        return RunReport(end=end, detail=f"{len(reports)} ran.", tests=tuple(reports))

    def _report(self, name: str, passes: bool) -> TestReport:
        test = node(name)
        if passes:
            return TestReport(test=test, outcome=TestOutcome.PASSED, seconds=0.1)
        frames = [Frame(file="tests/test_shop.py", module="tests.test_shop", function=name, line=1)]
        if name in self.places:
            module, _, function = self.places[name].rpartition(".")
            file = module.replace(".", "/") + ".py"
            frames.append(Frame(file=file, module=module, function=function, line=2))
        return TestReport(
            test=test,
            outcome=TestOutcome.FAILED,
            seconds=0.1,
            exception_type="AssertionError",
            message=f"assert {name}",
            traceback=f"E assert {name}",
            frames=tuple(frames),
        )


def node(name: str) -> str:
    """The node id of a world's test."""
    return f"tests/test_shop.py::{name}"


@dataclass
class FakeWorkspace:
    """A workspace whose trees are names; implements `HealWorkspace`."""

    world: World
    revision: str = "1" * 40
    main: str = "1" * 40
    dirty: bool = False
    unsupported: tuple[str, ...] = ()
    stale: str = ""
    trees: list[Path] = field(default_factory=list)
    published: list[tuple[str, str]] = field(default_factory=list)
    publish_error: BaseException | None = None
    closed: bool = False
    _count: int = 0

    @property
    def history(self) -> Any:
        return SimpleNamespace(is_ancestor=lambda _older, _newer: True)

    def main_revision(self) -> str:
        return self.main

    def checkout(self, revision: str) -> Path:
        self._count += 1
        root = Path(f"/nowhere/tree-{self._count}")
        self.trees.append(root)
        # Trees of another revision than the failing one have every fix.
        self.world.applied[root] = set() if revision == self.revision else {FIX_A, FIX_B}
        return root

    def discard(self, root: Path) -> None:
        self.trees.remove(root)

    def apply(self, root: Path, diff: str) -> None:
        self.world.applied[root].update(
            part for part in (FIX_A, FIX_B, CHEAT, CHEAT_IN_CODE) if part in diff
        )

    def diff_of_checkout(self, root: Path) -> str:
        return "".join(sorted(self.world.applied[root]))

    def commit(self, diff: str, message: str) -> str:
        assert diff
        return message

    def publish(self, branch: str, commit: str, remote: str) -> None:
        if self.publish_error is not None:
            raise self.publish_error
        self.published.append((branch, commit))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.closed = True


@dataclass
class FakeRunner:
    """Runs the tests of a world; implements `TestRunner`."""

    __test__ = False

    world: World

    def run(
        self,
        root: Path,
        tests: Sequence[str] = (),
        *,
        timeout: float,
        hash_seed: int = 0,
        coverage: bool = False,
        stop_at_first_failure: bool = False,
    ) -> RunReport:
        assert timeout > 0
        return self.world.run(root, tests, hash_seed)


@dataclass
class Offering:
    """A strategy that offers these patches; or raises what it is given."""

    patches: tuple[str, ...] = ()
    confidence: Confidence = Confidence.HIGH
    error: BaseException | None = None
    name: str = "offering"
    #: The failing tests of each case it was given.
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def attempt(self, case: Case) -> StrategyReport:
        self.asked.append(case.tests)
        if self.error is not None:
            raise self.error
        offered = tuple(
            OfferedPatch(diff=patch, confidence=self.confidence, title=f"patch {number}")
            for number, patch in enumerate(self.patches)
        )
        outcome = AttemptOutcome.PROVED if offered else AttemptOutcome.NOTHING_FOUND
        return StrategyReport(outcome=outcome, patches=offered, candidates=len(offered))


@dataclass
class Bed:
    """A healer of a world, with strategies by name."""

    world: World
    strategies: dict[str, Any]
    workspace: FakeWorkspace
    #: Raised when a workspace, an environment or a runner is asked for.
    errors: dict[str, BaseException] = field(default_factory=dict)

    def heal(
        self,
        *incidents: str,
        known: tuple[KnownFix, ...] = (),
        more: tuple[IncidentBrief, ...] = (),
        revision: str | None = None,
        may_publish: Callable[[str], str] = always_publish,
        **settings: Any,
    ) -> HealReport:
        """Heal the world; incidents are named like their tests."""
        from paramedic_workers.healing.healer import Healer

        target = TargetSettings(
            name="shop",
            repository="/nowhere",
            **{"strategies": tuple(self.strategies), **settings},
        )
        request = HealRequest(
            target=target,
            revision=revision,
            incidents=(
                *(IncidentBrief(fingerprint=f"i-{n}", test=node(n)) for n in incidents),
                *more,
            ),
            known_fixes=known,
            may_publish=may_publish,
        )
        return Healer(data=Path("/nowhere"), tools=self._tools()).heal(request)

    def _tools(self) -> Any:
        from paramedic_workers.healing.tools import Tools

        def given(name: str, thing: Any) -> Any:
            if name in self.errors:
                raise self.errors[name]
            return thing

        def strategy(name: str) -> Any:
            return given(f"strategy {name}", self.strategies[name])

        environment = SimpleNamespace(
            python=Path("/python"),
            description="python 3",
            readable=(),
            complete=lambda _root: None,
            import_paths=lambda _root: (),
        )
        return Tools(
            open_workspace=lambda *_: given("workspace", self.workspace),
            launcher=lambda _target: given("launcher", SimpleNamespace(description="none")),
            environment=lambda *_: given("environment", environment),
            runner=lambda *_: given("runner", FakeRunner(self.world)),
            strategy=strategy,
        )


def bed(world: World, **strategies: Any) -> Bed:
    """A healer of this world with these strategies."""
    return Bed(world=world, strategies=strategies, workspace=FakeWorkspace(world))


def bench(runner: Any, seconds: float = 60.0) -> Bench:
    """A bench of an empty world whose experiments are carried out by this runner."""
    workspace = FakeWorkspace(World({}))
    return Bench(
        checkouts=workspace,
        apply=workspace.apply,
        runner=runner,
        revision=workspace.revision,
        run_timeout=5.0,
        deadline=Deadline.after(seconds),
    )
