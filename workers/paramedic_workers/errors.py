"""The error taxonomy: every way in which Paramedic itself can fail.

An error says in which phase it happened, what its cause was, and what a person
can do next. Code that catches errors asks two questions of them and no others:
`transient` (is trying again worth it?) and `verdict` (how does a heal end that
met it?).

    ParamedicError
    ├── UsageError            the caller asked for something impossible; exit status 2
    │   └── SettingsError     paramedic.toml or the environment is wrong
    ├── TargetError           the target cannot be healed for reasons outside its code
    │   ├── RepositoryError   no repository, no such revision, unsupported contents
    │   ├── EnvironmentBuildError  dependencies cannot be installed
    │   ├── CollectionError   pytest cannot collect the failing tests
    │   └── StorageFull       no space is left on the worker's disk
    ├── HealerError           Paramedic itself broke
    │   ├── SandboxError      the sandbox cannot be set up
    │   ├── PhaseTimeout      a phase took longer than its budget
    │   ├── HealHung          the healer hung, and was killed
    │   ├── WorkerLost        the process that ran the heal died
    │   └── PublishError      the proven patch cannot be put on its branch
    ├── BrokerError           the broker or the ledger cannot be reached
    ├── DeliveryError         a sink did not take a result
    │   ├── SinkUnavailable   the sink takes nothing at all for a while
    │   ├── DeliveryPostponed this delivery must wait, and nothing is wrong
    │   └── UnclearDelivery   it cannot be told whether the sink has acted
    └── InvalidMessage        a message of a queue breaks the contract
"""

from __future__ import annotations

import traceback as traceback_module
from enum import StrEnum

from paramedic.redaction import without_password


class Phase(StrEnum):
    """Where in a heal something happened."""

    #: The repository is fetched, checked out, and its environment built.
    PREPARE = "prepare"
    #: The failing tests are run until it is known how they fail.
    REPRODUCE = "reproduce"
    #: Failures are clustered into causes.
    DIAGNOSE = "diagnose"
    #: Strategies look for a patch.
    REPAIR = "repair"
    #: A patch is proved, or refused.
    VERIFY = "verify"
    #: The proven patch is put on its branch.
    PUBLISH = "publish"


class Verdict(StrEnum):
    """How a heal ended."""

    #: A proven, trusted patch is on its branch (or in its patch file).
    HEALED = "healed"
    #: A proven patch that is not trusted enough: a person decides.
    PROPOSED = "proposed"
    #: Reproduced, and no fix could be proved.
    UNHEALED = "unhealed"
    #: The same code sometimes passes and sometimes fails.
    FLAKY = "flaky"
    #: The target cannot be built or collected for reasons outside its code.
    ENVIRONMENT = "environment"
    #: It failed at the event's revision, and passes at the target's newest one.
    ALREADY_FIXED = "already_fixed"
    #: It does not fail here.
    NOT_REPRODUCED = "not_reproduced"
    #: The healer itself broke.
    FAILED = "failed"


#: The verdict over several causes is the first of these that one of them has.
WORST_FIRST = (
    Verdict.FAILED,
    Verdict.ENVIRONMENT,
    Verdict.UNHEALED,
    Verdict.FLAKY,
    Verdict.NOT_REPRODUCED,
    Verdict.ALREADY_FIXED,
    Verdict.PROPOSED,
    Verdict.HEALED,
)


class ParamedicError(Exception):
    """Something went wrong in Paramedic."""

    #: Whether the same work may succeed when it is tried again later.
    transient: bool = False
    #: How a heal ends that met this error.
    verdict: Verdict = Verdict.FAILED

    def __init__(
        self,
        message: str = "",
        *,
        phase: Phase | None = None,
        remedy: str = "",
        transient: bool | None = None,
    ) -> None:
        """Describe the error.

        Args:
            message: one sentence with the cause; the class's docstring where empty.
            phase: the phase of the heal it happened in, where there is one.
            remedy: what a person can do next, one sentence; may be empty.
            transient: where it is known better than by the class.
        """
        self.message = message.strip() or (type(self).__doc__ or "").strip().partition("\n")[0]
        self.phase = phase
        self.remedy = remedy
        if transient is not None:
            self.transient = transient
        super().__init__(self.message)

    def __str__(self) -> str:
        """The cause and, where known, the remedy, in one line."""
        return f"{self.message} {self.remedy}".strip()


class UsageError(ParamedicError):
    """The request cannot be carried out as it was made."""


class SettingsError(UsageError):
    """The settings are wrong."""


class TargetError(ParamedicError):
    """The target cannot be healed for reasons outside its code."""

    verdict = Verdict.ENVIRONMENT


class RepositoryError(TargetError):
    """The target's repository cannot be used."""


class EnvironmentBuildError(TargetError):
    """The target's dependencies cannot be installed."""


class CollectionError(TargetError):
    """pytest cannot collect the target's tests."""


class StorageFull(TargetError):
    """No space is left where the worker writes."""

    transient = True


class HealerError(ParamedicError):
    """The healer itself broke."""


class SandboxError(HealerError):
    """The sandbox cannot be set up."""


class PhaseTimeout(HealerError):
    """A phase took longer than its budget."""


class HealHung(HealerError):
    """The healer hung, and its process was killed."""

    transient = True


class WorkerLost(HealerError):
    """The process that ran the heal died before it ended."""

    transient = True


class PublishError(HealerError):
    """The proven patch could not be put on its branch."""


class BrokerError(ParamedicError):
    """The broker or the ledger cannot be reached."""

    transient = True


class DeliveryError(ParamedicError):
    """The sink did not take the result."""

    transient = True


class _DeliveryPause(DeliveryError):
    """The delivery waits, and the attempt does not count."""

    def __init__(
        self, message: str = "", *, retry_after: float, phase: Phase | None = None, remedy: str = ""
    ) -> None:
        """Describe the pause.

        Args:
            message: one sentence with the cause; the class's docstring where empty.
            retry_after: seconds until it is worth asking again.
            phase: the phase of the heal it happened in, where there is one.
            remedy: what a person can do next, one sentence; may be empty.
        """
        super().__init__(message, phase=phase, remedy=remedy)
        self.retry_after = retry_after


class SinkUnavailable(_DeliveryPause):
    """The sink takes nothing at all for a while: it is away, or at its limits."""


class DeliveryPostponed(_DeliveryPause):
    """This delivery must wait for a while, and nothing is wrong."""


class UnclearDelivery(DeliveryError):
    """It cannot be told whether the sink has acted."""


class InvalidMessage(ParamedicError):
    """The message breaks the contract."""


def describe(error: BaseException) -> tuple[str, str, str]:
    """The type, message and traceback of any exception, none of them ever empty.

    Passwords and tokens in URLs are replaced. Holds for exceptions without arguments and for
    those whose `str()` raises.
    """
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else _qualified(kind)
    return name, without_password(_message(error)), without_password(_traceback(error))


def _qualified(kind: type[BaseException]) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _message(error: BaseException) -> str:
    try:
        text = str(error).strip()
    except BaseException as broken:  # noqa: BLE001 - an exception's str() is foreign code
        return f"(its message cannot be read: str() raised {type(broken).__name__})"
    return text or f"({type(error).__name__} without a message)"


def _traceback(error: BaseException) -> str:
    try:
        return "".join(traceback_module.format_exception(error))
    except BaseException:  # noqa: BLE001 - formatting calls the same foreign str()
        frames = "".join(traceback_module.format_tb(error.__traceback__))
        return (
            f"Traceback (most recent call last):\n{frames}{type(error).__name__}: {_message(error)}"
        )
