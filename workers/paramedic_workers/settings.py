"""Settings: paramedic.toml and the environment, validated at start.

This module holds what can be set, with its meaning and default; `settings_file`
reads and checks it. The table in docs/settings.md is generated from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

import msgspec

from paramedic_workers.results import Confidence


class SandboxMode(StrEnum):
    """Whether target code must run under bubblewrap."""

    #: Without bubblewrap, the heal ends in `failed` before any target code has run.
    REQUIRED = "required"
    #: Use bubblewrap where it works; say loudly where it does not.
    PREFERRED = "preferred"
    #: Never use it: for targets that are trusted and need what a sandbox forbids.
    OFF = "off"


class PublishMode(StrEnum):
    """Where a proven patch goes."""

    #: A branch in the target's `remote`.
    BRANCH = "branch"
    #: Only the patch in the result.
    PATCH = "patch"


class TargetSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One codebase that may be healed: a table `[targets.NAME]`."""

    #: Set from the table's name: letters, digits, `-`, `_`, at most 64.
    name: str = ""
    #: Path or URL that git can clone.
    repository: str
    #: Branch that counts as the newest state, and is healed when an event has no revision.
    main: str = "HEAD"
    #: Where `paramedic/…` branches are pushed: a path or URL; empty: patch files only.
    remote: str = ""
    #: Where a branch of it can be looked at: `https://git.example/shop/tree/{branch}`; empty: found
    #: from `remote` for github.com, gitlab.com and bitbucket.org.
    branch_url: str = ""
    #: Put `proposed` patches on a branch `paramedic/proposal/…` too.
    publish_proposals: bool = False
    #: Interpreter with the target's dependencies; empty: an environment is built.
    python: str = ""
    #: Requirement files or extras to install, in place of those that are found.
    requirements: tuple[str, ...] = ()
    #: Further arguments for every pytest run.
    pytest_args: tuple[str, ...] = ()
    #: Folder inside the repository in which pytest is started.
    directory: str = "."
    #: Environment variables that target code may see.
    environment: Mapping[str, str] = msgspec.field(default_factory=dict)
    #: Glob patterns of files that a patch may touch, relative to the repository.
    allowed_paths: tuple[str, ...] = ("**/*.py",)
    #: Glob patterns of files that a patch must never touch, besides tests, CI and build files.
    protected_paths: tuple[str, ...] = ()
    #: Greatest number of lines that a patch may add and remove together.
    patch_limit: int = 60
    #: How many runs must agree before a failure or a fix is believed.
    runs: int = 3
    #: Seconds that one run of the failing tests or of the whole suite may take.
    run_timeout: float = 300.0
    #: Seconds that one heal may take.
    budget: float = 600.0
    #: Seconds of it that the strategies may use for one cause.
    repair_budget: float = 60.0
    #: Strategies in the order in which they are tried.
    strategies: tuple[str, ...] = ("patch", "revert")
    #: Least confidence for `healed`; below it a proven patch is `proposed`.
    trust: Confidence = Confidence.MEDIUM
    #: A revision at which the tests are known to pass, for `revert`.
    known_good: str = ""
    #: How many commits `revert` searches backwards.
    search_back: int = 50
    #: Heals of this target that may run at the same time.
    parallel: int = 2
    #: Heals begun in an hour, over all machines; those above wait. 0: no limit.
    heals_per_hour: int = 120
    #: The same in 24 hours.
    heals_per_day: int = 1_000
    #: Branches pushed in an hour; a patch above it stays in its result. 0: no limit.
    branches_per_hour: int = 20
    #: The same in 24 hours.
    branches_per_day: int = 100
    #: Whether target code must run under bubblewrap.
    sandbox: SandboxMode = SandboxMode.PREFERRED
    #: Memory that one process of the target may use, in MiB.
    memory: int = 2048
    #: Processes that a run of the target may have at once.
    processes: int = 256


class FileSinkSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[sinks.file]`: one folder per incident."""

    enabled: bool = True
    #: Where the folders are made; empty: `reports` in the data directory.
    directory: str = ""


class ConsoleSinkSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[sinks.console]`: one line per result in the worker's output."""

    enabled: bool = True


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that can be set."""

    #: Redis or Valkey 6.2 or later (`redis://`), or RabbitMQ 3.10 or later (`amqp://`); empty:
    #: the bundled server. `PARAMEDIC_BROKER_URL`.
    broker_url: str = ""
    #: Beside RabbitMQ only: the Redis of the ledger; empty: the bundled server.
    #: `PARAMEDIC_STATE_URL`.
    state_url: str = ""
    #: Data directory, mode 0700. `PARAMEDIC_DATA`; else `$XDG_STATE_HOME/paramedic`.
    data: str = ""
    #: Codebases that may be healed.
    targets: Mapping[str, TargetSettings] = msgspec.field(default_factory=dict)
    #: Settings of sinks by name; a sink that is not named here is off.
    sinks: Mapping[str, Mapping[str, object]] = msgspec.field(
        default_factory=lambda: {"file": {}, "console": {}}
    )
    #: Seconds after which a lease that is not renewed is free again.
    lease_seconds: float = 60.0
    #: Seconds between two sweeps for what waits without a message.
    sweep_seconds: float = 15.0
    #: Seconds after which a repeat re-opens an incident that did not end in `healed`.
    retry_after: float = 3600.0
    #: Seconds between two looks at the main branch of a target, for fixes that have landed there;
    #: 0: never.
    landing_seconds: float = 300.0
    #: Days that closed incidents, their results and their report pages are kept.
    retention_days: int = 30
    #: MiB that clones, environments and package caches may take; the longest unused go first.
    cache_limit: int = 20_480
    #: How often a heal may be started for one incident before it ends in `failed`.
    heal_attempts: int = 3
    #: Seconds that running heals have to end when their worker is stopped; then they wait again.
    shutdown_seconds: float = 30.0
    #: MiB of memory that a process that heals may use, besides the tests it runs; 0: no limit.
    heal_memory: int = 4096
    #: How often a delivery is tried before its result becomes a dead letter.
    delivery_attempts: int = 8
    #: How often one dead letter may be replayed.
    replay_limit: int = 3
    #: Dead letters that are kept; beyond it the oldest are discarded.
    dead_letter_limit: int = 10_000
    #: Days that a dead letter is kept.
    dead_letter_days: float = 30.0
    #: Seconds before the first retry of a heal that met a passing trouble; then four times that.
    retry_pause: float = 60.0
    #: Failures in a row that switch a strategy, or all heals of a target, off; 0: never.
    breaker_failures: int = 5
    #: Seconds for which it stays off before one heal may try it.
    breaker_seconds: float = 900.0
    #: Incidents in which the healer fails in the same way before that is a pattern, which switches
    #: the strategy concerned off; 0: never.
    systemic_failures: int = 5
    #: Seconds within which those incidents count.
    systemic_seconds: float = 3600.0
    #: Heals of one incident within `fuse_hours` after which a person must look; 0: no fuse.
    fuse_heals: int = 2
    #: Hours in which those heals count.
    fuse_hours: float = 24.0
    #: MiB that must be free in the data directory before a heal begins; 0: not looked at.
    min_free_disk: int = 512
    #: `json` or `console`; `console` on a terminal, else `json`, where empty.
    log_format: str = ""
    #: Least level of the log: debug, info, warning, error.
    log_level: str = "info"

    def data_directory(self) -> Path:
        """The data directory as a path; see `settings_file.load` for how it is found."""
        return Path(self.data)
