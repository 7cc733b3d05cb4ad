"""Several patches of one revision as one."""

from __future__ import annotations

from collections.abc import Sequence

from paramedic_workers.healing.narrow import narrowed
from paramedic_workers.healing.patching import PatchRefused
from paramedic_workers.healing.tools import HealWorkspace


def combined(workspace: HealWorkspace, diffs: Sequence[str]) -> str:
    """One diff that does what these do one after the other.

    Raises:
        PatchRefused: two of them change the same or neighbouring lines.
    """
    root = workspace.checkout(workspace.revision)
    try:
        for diff in diffs:
            try:
                workspace.apply(root, diff)
            except PatchRefused:
                workspace.apply(root, narrowed(diff))
        return workspace.diff_of_checkout(root)
    finally:
        workspace.discard(root)
