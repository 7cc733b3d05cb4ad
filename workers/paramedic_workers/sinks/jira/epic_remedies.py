"""What a person does about a way in which the healer fails, by the type of the error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from paramedic_workers.dead_letters.model import Reason
from paramedic_workers.systemic.model import Pattern

#: By the type's name without its module.
_BY_TYPE: Mapping[str, str] = {
    "WorkerLost": "Look at the workers' logs at that time, and for the out-of-memory killer; give"
    " the heal less memory (`heal_memory`) or the machine more.",
    "MemoryError": "Give the machine more memory, or raise `heal_memory`.",
    "HealHung": "Look at the last phase in heal.log of a child ticket: that is where it hung.",
    "PhaseTimeout": "Raise `budget` or `repair_budget` of the target, or make its tests faster.",
    "SandboxError": "See whether bubblewrap works on the machine of the workers: `bwrap --version`,"
    " and whether user namespaces are allowed.",
    "PublishError": "See whether the workers may push to the target's remote: address, key,"
    " protected branches.",
    "BrokerError": "See whether the broker and the ledger answer: `paramedic status`.",
    "SettingsError": "Run `paramedic config check`.",
    "UsageError": "Run `paramedic config check`.",
    "OSError": "See whether disk and file handles of the workers' machine are used up.",
    "PermissionError": "See whether the workers' user owns the data directory.",
    "AssertionError": "A check inside the healer failed: that is a defect of Paramedic or of the"
    " strategy. Report it with the traceback above.",
}
_ANY = (
    "The traceback above says where the healer failed. Where it is an update that brought this, go"
    " back to the version before; report it with the traceback."
)
#: Reasons of dead letters, where it is not `error`.
_REASONS: Mapping[str, Reason] = {
    "WorkerLost": Reason.WORKER_LOST,
    "HealHung": Reason.TIMEOUT,
    "PhaseTimeout": Reason.TIMEOUT,
}


def remedies(pattern: Pattern) -> Sequence[str]:
    """The plan: what a person does, in order; words between backticks are typed."""
    kind = pattern.signature.type.rpartition(".")[2]
    steps = [_BY_TYPE.get(kind, _ANY)]
    if pattern.strategy:
        steps.append(
            f"Meanwhile the strategy {pattern.strategy} is switched off, and incidents are healed"
            " by the others. If you want it off for good, take it out of `strategies` of the"
            " targets."
        )
    steps += [
        f"When the cause is mended everywhere: `paramedic systemic close {pattern.id}`"
        + (f" switches {pattern.strategy} on again." if pattern.strategy else ".")
        + " Moving this ticket to done does the same.",
        "Then heal again what failed: `paramedic dead-letters replay --reason"
        f" {_REASONS.get(kind, Reason.ERROR)} --error-type {kind}`. What ended in `unhealed` is"
        " healed again as soon as it fails again.",
    ]
    return steps


def next_steps(pattern: Pattern) -> Sequence[str]:
    """What happens without anybody's doing, and what it takes."""
    if not pattern.is_open:
        return ("Nothing: it is over. If the same comes again, this ticket is opened again.",)
    return (
        "This ticket is kept up to date; incidents that fail in the same way are added.",
        "An incident is settled when a later heal ends otherwise, or when its ticket is done.",
        "When all are settled, this ticket is moved to done"
        + (f", and {pattern.strategy} is switched on again." if pattern.strategy else "."),
    )
