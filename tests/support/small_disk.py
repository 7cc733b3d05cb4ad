"""A small disk of a test's own: a tmpfs of so many bytes, in a namespace of bubblewrap."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

needs_small_disk = [
    pytest.mark.needs_bwrap,
    pytest.mark.skipif(not shutil.which("bwrap"), reason="bubblewrap is not installed"),
]


def run_on_small_disk(
    code: str, folder: Path, size: int, *arguments: str, timeout: float = 180
) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process that sees a tmpfs of `size` bytes at `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["bwrap", "--dev-bind", "/", "/", "--size", str(size), "--tmpfs", str(folder)]
    return subprocess.run(
        [*command, sys.executable, "-c", code, str(folder), *arguments],
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
