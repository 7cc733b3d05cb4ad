"""Which files are the project's own."""

from __future__ import annotations

import os
import sys


def is_source_below(root: str, filename: str) -> bool:
    """Whether this file is the project's own, not of an interpreter or an environment."""
    if filename.startswith("<") or not filename.startswith(root + os.sep):
        return False
    if filename.startswith((sys.prefix + os.sep, sys.base_prefix + os.sep)):
        return False
    return "site-packages" not in filename and filename.endswith(".py")
