"""Where a simulation happens: a folder, a private broker, real workers; nothing of it stays."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from paramedic_workers.connections import state_client
from paramedic_workers.errors import BrokerError
from paramedic_workers.healing.healer import Healer
from paramedic_workers.healing.model import HealRequest, IncidentBrief
from paramedic_workers.results import Confidence
from paramedic_workers.settings import Settings, TargetSettings
from paramedic_workers.simulation.model import Condition
from paramedic_workers.simulation.observation import Observer
from paramedic_workers.simulation.samples import FAILING, Sample, Samples
from paramedic_workers.simulation.shared import HEAL_LIMIT, SetClock, book_in, tickets_in
from paramedic_workers.simulation.sinks import TICKETS
from paramedic_workers.supervisor import Supervisor

#: Heal workers, each with a pool of one child: what kills a worker kills one heal. As many
#: as there are targets, within these bounds.
_FEWEST_WORKERS, _MOST_WORKERS = 2, 8
#: Seconds; short, so that what is lost is soon noticed.
_LEASE, _SWEEP = 6.0, 1.0
#: Seconds until all the workers must answer, on a busy machine.
_READY = 120.0
#: Bounds of the time limit of a heal, and how many times longer than a heal alone it is.
_LEAST_LIMIT, _GREATEST_LIMIT, _LIMIT_FACTOR = 20.0, 60.0, 6.0
#: Circuit breakers, patterns and rate limits must not answer for what is being simulated.
_NEVER = 1_000_000
_NAME = "simulate"


@dataclass(frozen=True, kw_only=True)
class Ground:
    """The folder and the workers of one simulation."""

    folder: Path
    samples: Samples
    supervisor: Supervisor
    observer: Observer
    clock: SetClock
    #: Seconds that a heal takes here while nothing else runs.
    pace: float

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.supervisor.settings.data_directory()

    def leftovers(self) -> list[str]:
        """What is left of heals: working trees and their locks; for when all have ended."""
        work = (self.data / "work").glob("*")
        trees = self.data.glob("clones/*.git/worktrees/*")
        return sorted(str(path.relative_to(self.data)) for path in (*work, *trees))


@contextmanager
def ground(conditions: Sequence[Condition]) -> Iterator[Ground]:
    """Make the ground for these conditions; nothing of it stays.

    Raises:
        UsageError: git does not work.
        BrokerError: broker or workers do not start.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"paramedic-{_NAME}-")).resolve()
    try:
        folder.chmod(0o755)  # tests run as another user where the worker is root
        samples = Samples(folder=folder / "samples")
        samples.folder.mkdir()
        samples.prepare()
        made = {name: samples.make(name) for name in {c.target for c in conditions}}
        settings = _settings(folder / "data", made)
        pace = _pace(settings, samples)
        limit = min(max(pace * _LIMIT_FACTOR, _LEAST_LIMIT), _GREATEST_LIMIT)
        with _environment(HEAL_LIMIT, str(limit)):
            yield from _running(folder, samples, settings, pace)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _running(folder: Path, samples: Samples, settings: Settings, pace: float) -> Iterator[Ground]:
    supervisor = Supervisor(
        settings=settings,
        heal_workers=min(max(len(settings.targets), _FEWEST_WORKERS), _MOST_WORKERS),
        heal_concurrency=1,
        grace=5.0,
        application="paramedic_workers.simulation.workers",
    )
    data = settings.data_directory()
    with supervisor:
        if not supervisor.ready(_READY):
            raise BrokerError(f"The workers did not answer within {_READY:.0f} s.")
        with state_client(supervisor.broker_url, retries=3) as client:
            observer = Observer(client=client, book=book_in(data), tickets=tickets_in(data))
            yield Ground(
                folder=folder,
                samples=samples,
                supervisor=supervisor,
                observer=observer,
                clock=SetClock.of(data),
                pace=pace,
            )


def _settings(data: Path, samples: dict[str, Sample]) -> Settings:
    data.mkdir(mode=0o700)
    (data / "logs").mkdir()
    return Settings(
        data=str(data),
        targets={name: _target(name, sample) for name, sample in samples.items()},
        sinks={TICKETS: {}},
        lease_seconds=_LEASE,
        sweep_seconds=_SWEEP,
        delivery_attempts=20,
        breaker_failures=_NEVER,
        systemic_failures=_NEVER,
        min_free_disk=1,
        retry_pause=1.0,
    )


def _target(name: str, sample: Sample) -> TargetSettings:
    import sys

    return TargetSettings(
        name=name,
        repository=str(sample.path),
        remote=str(sample.remote),
        main="main",
        # It has pytest, and the samples need nothing else.
        python=sys.executable,
        environment={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        runs=1,
        repair_budget=10.0,
        # Whether patches are trusted enough is not what is simulated.
        trust=Confidence.LOW,
    )


def _pace(settings: Settings, samples: Samples) -> float:
    """Heal a sample in this process; gives the seconds that it took."""
    sample = samples.make("-pace")
    began = time.monotonic()
    incident = IncidentBrief(fingerprint="pace", test=FAILING[0])
    target = _target("pace", sample)
    Healer(data=settings.data_directory()).heal(
        HealRequest(target=target, revision=sample.head(), incidents=(incident,))
    )
    return time.monotonic() - began


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        del os.environ[name]
        if before is not None:
            os.environ[name] = before


def strays(folder: Path) -> list[int]:
    """Processes that were started for a simulation in this folder and still run."""
    mark, found = os.fsencode(folder), []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with suppress(OSError):
                about = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
                if mark in about:
                    found.append(int(entry.name))
    return found
