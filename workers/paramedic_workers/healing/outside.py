"""Whether a test fails for a reason outside the target's code: a module it cannot import.

A module of the repository that is missing, or misspelt, is the code's own mistake; one
that belongs to nobody here has to be installed by a person.
"""

from __future__ import annotations

import re
import sys
from difflib import get_close_matches
from pathlib import Path

from paramedic_workers.healing.model import TestReport
from paramedic_workers.healing.subjects import innermost

_NO_MODULE = re.compile(r"No module named '?([\w.]+)'?")
_NO_NAME = re.compile(
    r"cannot import name '?\w+'? from (?:partially initialized module )?'?([\w.]+)'?"
)
#: A place in the repository, as pytest shows it: "shop/cart.py:3: in <module>".
_PLACE = re.compile(r"^(?![/<.])(\S+\.py):(\d+): ", re.MULTILINE)
_IMPORT_ERRORS = ("ModuleNotFoundError", "ImportError")
#: How alike two names must be for one to be a misspelling of the other.
_ALIKE = 0.8


def missing_module(report: TestReport, root: Path) -> str | None:
    """The foreign module that this test could not import; None if it failed otherwise."""
    if report.exception_type not in _IMPORT_ERRORS:
        return None
    text = f"{report.message}\n{report.traceback}"
    match = _NO_MODULE.search(text) or _NO_NAME.search(text)
    if match is None:
        return None
    top = match[1].partition(".")[0]
    return None if _is_own(top, root) or _is_misspelt(top) else match[1]


def asked_by(report: TestReport) -> tuple[str, int] | None:
    """The target's own file, and the line in it, whose import failed; None if it is not known."""
    here = innermost(report.frames)
    if here is not None:
        return here.file, here.line
    shown = _PLACE.findall(report.traceback)
    return (shown[-1][0], int(shown[-1][1])) if shown else None


def _is_own(module: str, root: Path) -> bool:
    patterns = (f"{module}.py", f"{module}/*.py", f"{module}/*/*.py")
    places = (root, root / "src", root / "lib", *_folders(root))
    return any(next(place.glob(pattern), None) for place in places for pattern in patterns)


def _folders(root: Path) -> tuple[Path, ...]:
    return tuple(f for f in root.iterdir() if f.is_dir() and not f.name.startswith("."))


def _is_misspelt(module: str) -> bool:
    if module in sys.stdlib_module_names:
        return False
    return bool(get_close_matches(module, sys.stdlib_module_names, n=1, cutoff=_ALIKE))
