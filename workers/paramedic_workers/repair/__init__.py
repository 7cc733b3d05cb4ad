"""The patch engine: finds a small source edit that makes failing tests pass.

A library of its own: it needs nothing of the rest but the error taxonomy.

    report = repair(project, ["tests/test_cart.py::test_total"], budget=60.0)
    for patch in report.patches:        # best first
        print(patch.trust, patch.title)
        print(patch.diff)

The rooms, in the order of the flow: `engine` (one repair), `targets` (the failing tests),
`session` and `inside/` (the warm process), `syntax/` (files that do not parse), `observe`,
`localise` (which lines), `candidates` and `templates/` (which edits), `search` and what it
tries when no single edit is enough (`coordinated`, `synthesis`, `pairs`), `trials` and
`validate` (trying them), `simplify`, `hygiene`, `rank`, `behaviour/` (what passes, on other
inputs) and `trust/` (how far each patch is trusted).
"""

from paramedic_workers.repair.engine import repair
from paramedic_workers.repair.model import (
    Command,
    Launcher,
    Process,
    Project,
    RankedPatch,
    RepairReport,
    SearchProgress,
    Stop,
    Trust,
)

__all__ = [
    "Command",
    "Launcher",
    "Process",
    "Project",
    "RankedPatch",
    "RepairReport",
    "SearchProgress",
    "Stop",
    "Trust",
    "repair",
]
