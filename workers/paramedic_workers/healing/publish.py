"""The phase `publish`: a proven patch becomes one commit on a branch of its own.

`healed` goes to `paramedic/<fingerprint>`, `proposed` to `paramedic/proposal/<fingerprint>`
where the target's settings want that; nothing is published where no remote is set. A
patch that cannot be published ends in `failed`, with the patch and its proof kept in the
result: `healed` would promise a branch that is not there. Where a limit of branches is
reached, the patch stays in its result too, which says so: there is nothing wrong with it.
"""

from __future__ import annotations

from typing import Protocol

from paramedic_workers.errors import Verdict
from paramedic_workers.healing.regressions import named
from paramedic_workers.healing.summary import first_line
from paramedic_workers.results import Result
from paramedic_workers.settings import TargetSettings


class Publishing(Protocol):
    """What publishing needs of a workspace."""

    def commit(self, diff: str, message: str) -> str:
        """The id of a commit with the diff on top of the failing revision, on no branch."""
        ...

    def publish(self, branch: str, commit: str, remote: str) -> None:
        """Put a commit on a branch of a remote, touching nothing else."""
        ...


def branch_for(result: Result, target: TargetSettings) -> str | None:
    """The branch that a result's patch belongs on; None where it gets none."""
    if not target.remote or not result.patch:
        return None
    if result.verdict is Verdict.HEALED:
        return f"paramedic/{result.fingerprint}"
    if result.verdict is Verdict.PROPOSED and target.publish_proposals:
        return f"paramedic/proposal/{result.fingerprint}"
    return None


def put_on_branch(
    workspace: Publishing, result: Result, target: TargetSettings, branch: str
) -> None:
    """Commit the result's patch and push it as `branch`.

    Raises:
        PublishError: it cannot be pushed.
    """
    commit = workspace.commit(result.patch or "", commit_message(result))
    workspace.publish(branch, commit, target.remote)


def commit_message(result: Result) -> str:
    """Summary, cause, proof and incident, as a commit message."""
    proof = "\n".join(f"- {step.experiment}: {step.observation}" for step in result.proof)
    others = f"\nMerged: {', '.join(result.merged)}" if result.merged else ""
    return (
        f"{result.summary}\n\n"
        f"Cause: {result.cause.type}: {first_line(result.cause.message)}\n"
        f"Failing tests: {named(result.failing_tests)}\n\n"
        f"Proof:\n{proof}\n\n"
        f"Strategy: {result.strategy}, confidence {result.confidence}\n"
        f"Incident: {result.incident}{others}\n"
    )
