"""Children that never outlive the process that started them."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence

#: Asks Linux for a signal at the parent's end, then becomes the command. Run in the child
#: itself, as Python code between fork and exec is unsafe in a process with threads.
_GUARD = """
import ctypes, os, sys
number, parent = int(sys.argv[1]), int(sys.argv[2])
ctypes.CDLL(None).prctl(1, number)  # PR_SET_PDEATHSIG
if os.getppid() != parent:  # it ended before we could ask
    sys.exit(1)
os.execv(sys.argv[3], sys.argv[3:])
"""


def dying_with_parent(command: Sequence[str], number: signal.Signals) -> list[str]:
    """The command, so wrapped that it gets this signal when the calling process ends.

    Linux ties it to the *thread* that starts the command: start it from one that lives as
    long as it shall. On other systems the command is given back as it is.

    Args:
        command: an absolute path and its arguments.
        number: the signal.
    """
    if not sys.platform.startswith("linux"):
        return list(command)
    guard = [sys.executable, "-I", "-S", "-c", _GUARD]
    return [*guard, str(int(number)), str(os.getpid()), *command]
