"""The tour itself, step by step; it checks its own outcome.

1. make the shop, with a history and seven things that are broken in it;
2. start broker and workers on a private data directory;
3. let a service and a CI run publish what fails;
4. watch until every incident has ended in a verdict, and its report page is there, and the
   ticket that it would get in Jira;
5. stop everything, and compare with what must come out.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from paramedic_workers.connections import state_client
from paramedic_workers.demo.project import EXPECTATIONS, RELEASE, Expectation, make_project
from paramedic_workers.demo.publishing import Producers
from paramedic_workers.incidents import IncidentRecord, IncidentState, Ledger
from paramedic_workers.results import Result
from paramedic_workers.settings import Settings, TargetSettings
from paramedic_workers.sinks.file import FileSink
from paramedic_workers.sinks.jira import dry_ticket
from paramedic_workers.supervisor import Supervisor

#: The one target of the tour.
TARGET = "shop"
#: Heal workers of the tour.
HEAL_WORKERS = 2
#: Seconds that workers have to end: when the tour is broken off, nobody needs their work.
GRACE = 2.0
#: Seconds after which the tour no longer waits for verdicts.
PATIENCE = 240.0

Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came out of one broken thing."""

    expectation: Expectation
    #: Null where no incident of it was found.
    record: IncidentRecord | None = None
    result: Result | None = None

    def shortfall(self) -> str:
        """What is not as it must be, in one sentence; empty where all is well."""
        wanted = self.expectation
        if self.record is None or self.result is None:
            return f"{wanted.kind}: no incident has ended."
        seen = f"{self.result.verdict} by {self.result.strategy or 'nothing'}"
        if (self.result.verdict, self.result.strategy) != (wanted.verdict, wanted.strategy):
            return f"{wanted.kind}: {seen}, not {wanted.verdict} by {wanted.strategy or 'nothing'}."
        if len(self.result.failing_tests) != wanted.failing:
            return f"{wanted.kind}: {len(self.result.failing_tests)} tests, not {wanted.failing}."
        if self.record.count != wanted.occurrences:
            return f"{wanted.kind}: {self.record.count} occurrences, not {wanted.occurrences}."
        return ""


@dataclass(kw_only=True)
class Tour:
    """One tour in a folder of its own."""

    folder: Path
    tell: Tell
    outcomes: list[Outcome] = field(default_factory=list)
    #: Seconds that it took.
    seconds: float = 0.0

    @property
    def repository(self) -> Path:
        """The shop's repository."""
        return self.folder / "shop"

    @property
    def reports(self) -> Path:
        """Where the report pages are."""
        return self.folder / "reports"

    @property
    def ticket(self) -> Path | None:
        """The page of a ticket that the first of the broken things would get."""
        first = next((outcome.record for outcome in self.outcomes if outcome.record), None)
        if first is None:
            return None
        return FileSink(self.reports).folder(first.fingerprint) / dry_ticket.PAGE

    @property
    def data(self) -> Path:
        """The private data directory."""
        return self.folder / "data"

    def settings(self) -> Settings:
        """The settings of the tour."""
        shop = TargetSettings(
            name=TARGET,
            repository=str(self.repository),
            remote=str(self.repository),
            main="main",
            # It has pytest, and the shop needs nothing else.
            python=sys.executable,
            # Plug-ins that happen to be installed here would only make each pytest start slower.
            environment={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            repair_budget=15.0,
            search_back=20,
        )
        return Settings(
            data=str(self.data),
            targets={TARGET: shop},
            sinks={
                "file": {"directory": str(self.reports)},
                "console": {},
                "jira": {"dry_run": True, "project": "SHOP"},
            },
        )

    def run(self, watch: Watch) -> list[str]:
        """Make the tour; gives what is not as it must be, a sentence each.

        Args:
            watch: shows incidents until they are done.

        Raises:
            ParamedicError: something could not be started.
        """
        began = time.monotonic()
        commits = make_project(self.repository)
        self.tell(f"a small shop with {commits} commits is at {self.repository}")
        supervisor = Supervisor(
            settings=self.settings(),
            heal_workers=HEAL_WORKERS,
            heal_concurrency=1,
            grace=GRACE,
        )
        with supervisor:
            self._publish(supervisor)
            with state_client(supervisor.ledger_url) as client:
                self._await_verdicts(Ledger(client), watch)
        self.seconds = time.monotonic() - began
        return [text for text in (outcome.shortfall() for outcome in self.outcomes) if text]

    def clean(self) -> None:
        """Delete what only the tour itself needed; the shop and its reports stay."""
        for folder in (self.data, self.folder / "service"):
            shutil.rmtree(folder, ignore_errors=True)

    def remove(self) -> None:
        """Delete everything, the folder included: a tour that was broken off shows nothing."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _publish(self, supervisor: Supervisor) -> None:
        names = [child.role.name for child in supervisor.children]
        self.tell(f"broker and workers start: {', '.join(names)}")
        service = self.folder / "service"
        service.mkdir()
        producers = Producers(
            target=TARGET,
            repository=self.repository,
            broker_url=supervisor.broker_url,
            folder=service,
        )
        producers.check_out_release()
        self.tell(f"CI of {RELEASE}: {producers.run_ci(producers.release)}")
        self.tell(f"a service that runs {RELEASE}: {producers.run_service()}")
        self.tell(f"CI of main: {producers.run_ci(self.repository)}")

    def _await_verdicts(self, ledger: Ledger, watch: Watch) -> None:
        deadline = time.monotonic() + PATIENCE

        def done(records: Sequence[IncidentRecord]) -> bool:
            return self._all_reported(ledger, records) or time.monotonic() > deadline

        records = watch(lambda: in_order(ledger.incidents(limit=200)), done)
        self.outcomes = [_outcome(wanted, records, ledger) for wanted in EXPECTATIONS]

    def _all_reported(self, ledger: Ledger, records: Sequence[IncidentRecord]) -> bool:
        """Whether each expected thing has an incident, and every incident its report and ticket."""
        found = {kind_of(record) for record in records}
        if len(found & {wanted.kind for wanted in EXPECTATIONS}) < len(EXPECTATIONS):
            return False
        if any(record.state is not IncidentState.CLOSED for record in records):
            return False
        sink = FileSink(self.reports)
        leads = {record.lead or record.fingerprint for record in records}
        files = ("result.json", dry_ticket.PAGE)
        return all((sink.folder(lead) / file).exists() for lead in leads for file in files)


Watch = Callable[
    [
        Callable[[], Sequence[IncidentRecord]],
        Callable[[Sequence[IncidentRecord]], bool],
    ],
    Sequence[IncidentRecord],
]


def kind_of(record: IncidentRecord) -> str:
    """Which of the broken things an incident belongs to; empty where to none."""
    return next((e.kind for e in EXPECTATIONS if record.test.startswith(e.tests)), "")


def in_order(records: Sequence[IncidentRecord]) -> list[IncidentRecord]:
    """The incidents in the order of the tour: leads first within a kind."""
    order = {wanted.kind: number for number, wanted in enumerate(EXPECTATIONS)}

    def place(record: IncidentRecord) -> tuple[int, bool, str]:
        merged = bool(record.lead) and record.lead != record.fingerprint
        return order.get(kind_of(record), len(order)), merged, record.test

    return sorted(records, key=place)


def _outcome(wanted: Expectation, records: Sequence[IncidentRecord], ledger: Ledger) -> Outcome:
    """The incident of a kind that leads, with its newest result."""
    own = [record for record in records if kind_of(record) == wanted.kind]
    for record in own:
        results = ledger.results_of(record.fingerprint)
        if results and record.lead in ("", record.fingerprint):
            return Outcome(expectation=wanted, record=record, result=results[0])
    return Outcome(expectation=wanted)
