"""What must hold between settings, beyond their types; and what must hold on the machine."""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from urllib.parse import urlsplit

from paramedic.location import speaks_amqp
from paramedic_workers.settings import SandboxMode, Settings, TargetSettings

#: The same as `paramedic.event.TargetName`.
_TARGET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
#: MiB with which a heal certainly gets by.
LEAST_HEAL_MEMORY = 512
_REDIS_SCHEMES = frozenset({"redis", "rediss", "redis+socket"})
_RABBITMQ_SCHEMES = frozenset({"amqp", "amqps"})
_LOG_FORMATS = frozenset({"", "json", "console"})
_LOG_LEVELS = frozenset({"debug", "info", "warning", "error"})


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something that is wrong, and what to do about it."""

    key: str
    problem: str
    remedy: str


def rule_problems(settings: Settings) -> list[Problem]:
    """Every rule that the settings break, whatever machine they are on."""
    return [
        *_broker(settings),
        *_logging(settings),
        *_positive(
            "", settings, ("lease_seconds", "sweep_seconds", "retention_days", "heal_attempts")
        ),
        *_positive("", settings, ("delivery_attempts", "replay_limit", "cache_limit")),
        *_positive("", settings, ("dead_letter_limit", "dead_letter_days")),
        *_positive("", settings, ("retry_pause", "breaker_seconds", "fuse_hours")),
        *_positive("", settings, ("systemic_seconds",)),
        *_not_negative("", settings, ("shutdown_seconds", "landing_seconds")),
        *_heal_memory(settings),
        *_not_negative("", settings, ("breaker_failures", "fuse_heals", "min_free_disk")),
        *_not_negative("", settings, ("systemic_failures",)),
        *_known_plugins("sinks", "paramedic.sinks", tuple(settings.sinks)),
        *(
            problem
            for name, target in settings.targets.items()
            for problem in _target(name, target)
        ),
    ]


def _broker(settings: Settings) -> Iterator[Problem]:
    broker, state = settings.broker_url, settings.state_url
    yield from _url("broker_url", broker, _REDIS_SCHEMES | _RABBITMQ_SCHEMES)
    yield from _url("state_url", state, _REDIS_SCHEMES)
    # The journal of the producers lies on their broker, and must be where the ledger is.
    if state and not speaks_amqp(broker):
        yield Problem(
            key="state_url",
            problem="is set, but the broker is no RabbitMQ: a Redis broker holds the ledger too.",
            remedy="Leave it out, or set broker_url to an amqp:// URL.",
        )


def _heal_memory(settings: Settings) -> Iterator[Problem]:
    if settings.heal_memory and settings.heal_memory < LEAST_HEAL_MEMORY:
        yield Problem(
            key="heal_memory",
            problem=f"is {settings.heal_memory}.",
            remedy=f"Use at least {LEAST_HEAL_MEMORY} (MiB), or 0 for no limit.",
        )


def _url(key: str, url: str, schemes: frozenset[str]) -> Iterator[Problem]:
    try:
        parts = urlsplit(url)
        scheme, _ = parts.scheme, parts.port
    except ValueError as error:
        yield Problem(
            key=key,
            problem=f"is no URL: {error}.",
            remedy="Write it like redis://host:6379/0.",
        )
        return
    if url and scheme not in schemes:
        *most, last = sorted(f"{name}://" for name in schemes)
        yield Problem(
            key=key,
            problem=f"has the scheme {scheme or '(none)'}.",
            remedy=f"Use {', '.join(most)} or {last}.",
        )
    if scheme == "redis+socket" and not parts.path.strip("/"):
        yield Problem(
            key=key,
            problem="names no socket.",
            remedy="Write it like redis+socket:///run/valkey/valkey.sock.",
        )


def _logging(settings: Settings) -> Iterator[Problem]:
    for key, allowed in (("log_format", _LOG_FORMATS), ("log_level", _LOG_LEVELS)):
        value = getattr(settings, key)
        if value not in allowed:
            names = ", ".join(sorted(name for name in allowed if name))
            yield Problem(key=key, problem=f"is {value!r}.", remedy=f"Use one of {names}.")


def _positive(
    prefix: str, holder: Settings | TargetSettings, keys: tuple[str, ...]
) -> Iterator[Problem]:
    for key in keys:
        value = getattr(holder, key)
        if not 0 < value < math.inf:
            yield Problem(
                key=prefix + key, problem=f"is {value}.", remedy="Use a number above zero."
            )


def _not_negative(
    prefix: str, holder: Settings | TargetSettings, keys: tuple[str, ...]
) -> Iterator[Problem]:
    for key in keys:
        if getattr(holder, key) < 0:
            yield Problem(
                key=prefix + key, problem="is below zero.", remedy="Use 0 to switch it off."
            )


def _known_plugins(key: str, group: str, names: tuple[str, ...]) -> Iterator[Problem]:
    known = {entry.name for entry in entry_points(group=group)}
    for name in names:
        if name not in known:
            yield Problem(
                key=key,
                problem=f"names {name!r}, which is not installed.",
                remedy=f"Installed are: {', '.join(sorted(known))}.",
            )


def _target(name: str, target: TargetSettings) -> Iterator[Problem]:
    prefix = f"targets.{name}."
    if not _TARGET_NAME.fullmatch(name):
        yield Problem(
            key=f"targets.{name}",
            problem="is no name for a target.",
            remedy="Use letters, digits, - and _, at most 64, beginning with a letter or digit.",
        )
    yield from _positive(
        prefix,
        target,
        ("runs", "run_timeout", "budget", "repair_budget", "parallel", "memory", "processes"),
    )
    yield from _positive(prefix, target, ("patch_limit",))
    limits = ("heals_per_hour", "heals_per_day", "branches_per_hour", "branches_per_day")
    yield from _not_negative(prefix, target, ("search_back", *limits))
    if not target.strategies:
        yield Problem(
            key=f"{prefix}strategies", problem="is empty.", remedy='Name some: ["patch", "revert"].'
        )
    yield from _known_plugins(f"{prefix}strategies", "paramedic.strategies", target.strategies)
    if target.branch_url and not _is_branch_url(target.branch_url):
        yield Problem(
            key=f"{prefix}branch_url",
            problem="is no address of a branch.",
            remedy="Write it like https://git.example/shop/tree/{branch}.",
        )
    if Path(target.directory).is_absolute() or ".." in Path(target.directory).parts:
        yield Problem(
            key=f"{prefix}directory",
            problem="leads out of the repository.",
            remedy="Name a folder inside it.",
        )


def _is_branch_url(url: str) -> bool:
    return url.startswith(("https://", "http://")) and "{branch}" in url


def _has_revision(repository: Path, revision: str) -> bool:
    asked = ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"]
    try:
        done = subprocess.run(
            ["git", "-C", str(repository), *asked], capture_output=True, timeout=60, check=False
        )
    except FileNotFoundError:  # no git: named by itself
        return True
    return done.returncode == 0


class MachineRules:
    """What the settings expect of the machine that reads them."""

    def problems(self, settings: Settings) -> list[Problem]:
        """Every expectation that this machine does not meet."""
        from paramedic_workers.sinks import check_sinks  # they build on this module

        found: list[Problem] = []
        for name, target in settings.targets.items():
            found += self._target(f"targets.{name}.", target)
        found += check_sinks(settings)
        if shutil.which("git") is None:
            found.append(Problem(key="(machine)", problem="has no git.", remedy="Install git."))
        return found

    def _target(self, prefix: str, target: TargetSettings) -> Iterator[Problem]:
        repository = Path(target.repository)
        if repository.is_absolute() and not self._is_repository(repository):
            yield Problem(
                key=f"{prefix}repository",
                problem=f"{repository} is no git repository.",
                remedy="Name an existing one, or run git init there.",
            )
        elif repository.is_absolute() and not _has_revision(repository, target.main):
            yield Problem(
                key=f"{prefix}main",
                problem=f"{target.main} is no branch of {repository}.",
                remedy="Name one that has a commit.",
            )
        if target.python and not os.access(target.python, os.X_OK):
            yield Problem(
                key=f"{prefix}python",
                problem=f"{target.python} cannot be run.",
                remedy="Name the interpreter of a virtual environment that has pytest.",
            )
        if target.sandbox is SandboxMode.REQUIRED and shutil.which("bwrap") is None:
            yield Problem(
                key=f"{prefix}sandbox",
                problem="is required, and bubblewrap is not installed.",
                remedy='Install bubblewrap (bwrap), or set it to "preferred".',
            )

    @staticmethod
    def _is_repository(path: Path) -> bool:
        return (path / ".git").exists() or (
            (path / "HEAD").is_file() and (path / "objects").is_dir()
        )
