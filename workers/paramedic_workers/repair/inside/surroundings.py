"""Puts back what candidates change of their process: its folder, environment, search path.

The candidates of a batch run one after another in one process. Much of what code under
test leaves behind there is harmless once it is put back: tests add folders to the search
path, a command line program sets variables. What cannot be put back (threads, functions
of pytest or of Python that were replaced) ends the process, and the next candidates get a
new one.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time

import pytest


class Surroundings:
    """What a process was like at one moment, besides what its modules held."""

    def __init__(self, scratch: str = "") -> None:
        """Note it.

        Args:
            scratch: the folder below which tests get folders of their own; empty: none is known.
        """
        self._scratch = scratch
        self._folder = os.getcwd()  # noqa: PTH109 - called for every candidate
        self._variables = dict(os.environ)
        self._path = list(sys.path)
        self._depth = sys.getrecursionlimit()
        self._streams = (sys.stdin, sys.stdout, sys.stderr)
        self._lasting = _lasting()

    def put_back(self) -> bool:
        """Make everything as it was; whether that has worked."""
        try:
            self._put_back()
            return _lasting() == self._lasting
        except Exception:  # noqa: BLE001 - what is called here may have been replaced
            return False

    def empty_scratch(self) -> None:
        """Take away what tests have put into their folders: each finds none of the others'."""
        if self._scratch:
            _empty(self._scratch)

    def _put_back(self) -> None:
        if _folder() != self._folder:
            os.chdir(self._folder)
        if dict(os.environ) != self._variables:
            _restore_variables(self._variables)
        if sys.path != self._path:
            sys.path[:] = self._path
        if sys.getrecursionlimit() != self._depth:
            sys.setrecursionlimit(self._depth)
        sys.stdin, sys.stdout, sys.stderr = self._streams
        self.empty_scratch()


def scratch_of(config: pytest.Config) -> str:
    """The folder below which this session's tests get folders of their own.

    It is made now, once: each child would make one for itself, after a look at all that are
    there. Empty where there is none.
    """
    factory = getattr(config, "_tmp_path_factory", None)
    try:
        return str(factory.getbasetemp()) if factory is not None else ""
    except Exception:  # noqa: BLE001 - tests that need it will say so
        return ""


def _empty(folder: str) -> None:
    with os.scandir(folder) as entries:
        found = list(entries)
    for entry in found:
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path, ignore_errors=True)
        elif entry.name != ".lock":
            os.unlink(entry.path)  # noqa: PTH108 - called for every candidate


def _folder() -> str:
    try:
        return os.getcwd()  # noqa: PTH109 - called for every candidate
    except OSError:
        # It was removed.
        return ""


def _restore_variables(wanted: dict[str, str]) -> None:
    for name in [name for name in os.environ if name not in wanted]:
        del os.environ[name]
    for name, value in wanted.items():
        if os.environ.get(name) != value:
            os.environ[name] = value


def _lasting() -> tuple[object, ...]:
    """What is not put back."""
    return (
        threading.active_count(),
        id(open),
        id(print),
        id(len),
        id(pytest.Function.runtest),
        id(pytest.Function.setup),
        id(time.time),
    )
