"""Puts one commit on one branch of a remote, and touches nothing else there.

1. Only branches below `paramedic/` are ever written.
2. A branch that is there already is replaced only if its last commit is ours: what a
   person has added on top is kept, and the push refused.
3. The push carries a lease on what was seen, so that a race is lost, never won by force.
4. In a repository with working files it may only make a ref: never the branch that is
   checked out, no hooks, no garbage collection.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from paramedic.redaction import without_credentials
from paramedic_workers.errors import Phase, PublishError, RepositoryError
from paramedic_workers.healing.clones import Clone, Source
from paramedic_workers.healing.git import (
    COMMITTER_EMAIL,
    REMOTE_PATIENCE,
    Configuration,
    Git,
)
from paramedic_workers.healing.model import Deadline

#: All that we ever write to.
BRANCH_PREFIX = "paramedic/"
_PUSH_SECONDS = 120.0
#: Seconds that all tries of a push may take.
_PUBLISH_SECONDS = 300.0
_RECEIVE = (
    "git -c core.hooksPath=/dev/null -c receive.autogc=false -c gc.auto=0"
    " -c receive.denyCurrentBranch=refuse -c core.alternateRefsCommand=true receive-pack"
)


def push_branch(clone: Clone, branch: str, commit: str, remote: str) -> None:
    """Make `branch` of the remote point at a commit of the clone.

    A remote that is away for a moment is asked again: a push that came through although
    its answer was lost is seen by what the branch points at then.

    Raises:
        PublishError: the branch is not ours, is checked out there, or cannot be pushed.
    """
    _check_name(clone.git, branch)
    deadline = Deadline.after(_PUBLISH_SECONDS)
    try:
        source = Source.named(remote)
        with_files = source.is_local and _refuse_checked_out(source.location, branch)
        push = partial(_push, clone, branch, commit, source.location, with_files=with_files)
        REMOTE_PATIENCE.persist(push, left=deadline.left)
    except RepositoryError as failed:
        raise _refused(branch, remote, failed) from failed


def _check_name(git: Git, branch: str) -> None:
    name = f"refs/heads/{branch}"
    if not branch.startswith(BRANCH_PREFIX) or not git.succeeds("check-ref-format", name):
        raise PublishError(
            f"{branch!r} is not a branch below {BRANCH_PREFIX!r}.", phase=Phase.PUBLISH
        )


def _push(clone: Clone, branch: str, commit: str, location: str, *, with_files: bool) -> None:
    transport = Git(directory=clone.directory, configuration=Configuration.USER)
    ref = f"refs/heads/{branch}"
    there = _tip(transport, location, ref)
    if there == commit:
        return
    if there:
        _refuse_foreign(clone, transport, location, ref, there)
    transport.run(
        "push",
        *("--quiet", "--no-verify", "--no-follow-tags", "--recurse-submodules=no"),
        f"--force-with-lease={ref}:{there}",
        *([f"--receive-pack={_RECEIVE}"] if with_files else []),
        *("--end-of-options", location, f"{commit}:{ref}"),
        seconds=_PUSH_SECONDS,
    )


def _tip(transport: Git, location: str, ref: str) -> str:
    """What the remote's branch points at; empty where there is no such branch."""
    listed = transport.line(
        "ls-remote", "--quiet", "--end-of-options", location, ref, seconds=_PUSH_SECONDS
    )
    return next((row.split()[0] for row in listed.splitlines() if row.split()[1] == ref), "")


def _refuse_foreign(clone: Clone, transport: Git, location: str, ref: str, tip: str) -> None:
    if not clone.git.succeeds("cat-file", "-e", f"{tip}^{{commit}}"):
        transport.run(
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--end-of-options",
            location,
            ref,
            seconds=_PUSH_SECONDS,
        )
    committer = clone.git.line("show", "--no-patch", "--format=%ce", tip, "--")
    if committer != COMMITTER_EMAIL:
        raise PublishError(
            f"Branch {ref.removeprefix('refs/heads/')} has a commit of {committer}; it is kept.",
            phase=Phase.PUBLISH,
            remedy="Merge, rename or delete the branch.",
        )


def _refuse_checked_out(location: str, branch: str) -> bool:
    """Whether the local repository has working files.

    Raises:
        PublishError: the branch is checked out in one of its working trees.
    """
    path = Path(location.removeprefix("file://"))
    git = Git(configuration=Configuration.USER, start=path)
    listed = git.line("worktree", "list", "--porcelain").splitlines()
    if f"branch refs/heads/{branch}" in listed:
        raise PublishError(
            f"Branch {branch} is checked out in {path}.",
            phase=Phase.PUBLISH,
            remedy="Switch to another branch there.",
        )
    return "bare" not in listed


def _refused(branch: str, remote: str, failed: RepositoryError) -> PublishError:
    return PublishError(
        f"Branch {branch} cannot be pushed to {without_credentials(remote)}: {failed.message}",
        phase=Phase.PUBLISH,
        remedy="Check the target's `remote`, the network and the credentials.",
        transient=failed.transient,
    )
