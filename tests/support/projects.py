"""Small projects with failing tests, for the patch engine."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

from paramedic_workers.repair import Project, RepairReport, repair
from tests.support.launchers import LocalLauncher

#: Keeps pytest from importing plug-ins that these projects do not use.
QUICK_START = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}

#: Seconds for a search that ends by itself long before, also on a busy machine.
PATIENCE = 120.0


def write_project(root: Path, files: dict[str, str], **settings: Any) -> Project:
    """Write these files (dedented) and describe them as a project."""
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(textwrap.dedent(text).lstrip("\n").encode())
    return describe(root, **settings)


def describe(root: Path, **settings: Any) -> Project:
    """A project at `root`, run by this interpreter without a sandbox."""
    plain: dict[str, Any] = {
        "root": root.resolve(),
        "directory": root.resolve(),
        "python": Path(sys.executable),
        "launcher": LocalLauncher(),
        "environment": QUICK_START,
    }
    return Project(**{**plain, **settings})


def heal(root: Path, files: dict[str, str], *failing: str, **settings: Any) -> RepairReport:
    """Write a project and repair it."""
    return repair(write_project(root, files, **settings), failing, budget=PATIENCE)


def changed_lines(diff: str) -> list[str]:
    """The lines that a diff takes away and adds, with their signs."""
    return [
        line
        for line in diff.splitlines()
        if line[:1] in "+-" and not line.startswith(("+++", "---"))
    ]


def apply(project: Project, diff: str) -> None:
    """Apply a diff as git does, byte for byte.

    Raises:
        subprocess.CalledProcessError: it does not apply.
    """
    command = ["git", "apply", "-"]
    subprocess.run(command, cwd=project.root, input=diff.encode(), check=True)


def passes(project: Project, *arguments: str) -> bool:
    """Whether pytest itself passes on the project as it is now."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:paramedic"]
    run = subprocess.run([*command, *arguments], cwd=project.root, capture_output=True, check=False)
    return run.returncode == 0
