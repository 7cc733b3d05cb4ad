"""A process that heals cannot take all memory; what it runs has bounds of its own."""

from __future__ import annotations

import subprocess
import sys

from paramedic_workers.healing.chain import Limits, limits_of

_EATER = """
import subprocess, sys
from paramedic_workers.worker_life import limit_memory

limit_memory(512)
print(subprocess.run(sys.argv[1:], check=True, capture_output=True, text=True).stdout.strip())
try:
    eaten = bytearray(600 * 1024 * 1024)
except MemoryError:
    print("MemoryError")
"""


def test_a_healer_that_eats_all_memory_meets_an_error(tmp_path: object) -> None:
    chain = limits_of(Limits(memory=1024), processes=10_000)
    command = [*chain, "sh", "-c", "ulimit -S -d"]
    environment = {"PARAMEDIC_DATA": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", _EATER, *command],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [str(1024 * 1024), "MemoryError"]
