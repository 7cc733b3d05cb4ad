"""Switches off what a repository's own pytest settings would do to a search.

`addopts` is written for people: it may ask for parallel runs, coverage, only the last
failures, or a stop at the first one. Options are set on the parsed configuration and
not by further arguments, because an argument of a plug-in that is not installed, or
that `addopts` blocks, is a usage error.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

#: Option (its name in the configuration) and the value that makes it harmless.
HARMLESS: dict[str, Any] = {
    # pytest-xdist: no other processes.
    "numprocesses": 0,
    "dist": "no",
    "distload": False,
    "tx": [],
    "looponfail": False,
    # pytest itself: neither selected by what failed before, nor stopped early.
    "lf": False,
    "failedfirst": False,
    "newfirst": False,
    "stepwise": False,
    "stepwise_skip": False,
    "maxfail": 0,
    "usepdb": False,
    "trace": False,
    "collectonly": False,
    "setuponly": False,
    "setupshow": False,
    # Reports of failures are built for nobody: in the cheapest way.
    "tbstyle": "native",
    "showlocals": False,
    "fulltrace": False,
    "verbose": -1,
    # pytest-randomly, pytest-random-order: the order of the files is the order.
    "randomly_reorganize": False,
    "random_order_bucket": "none",
    # pytest-rerunfailures, pytest-repeat.
    "reruns": 0,
    "count": 1,
}

#: Prefixes of options that publish or record what happens.
_PUBLISHING = ("paramedic", "junit", "report_log", "htmlpath", "json_report")


class QuietOptions:
    """A pytest plug-in that sets the harmless values before they are used."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_load_initial_conftests(self, early_config: Any) -> None:
        """Switch coverage off, which starts before everything else."""
        known = early_config.known_args_namespace
        if hasattr(known, "cov_source"):
            known.cov_source = None
            known.no_cov = True

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(self, config: Any) -> None:
        """Set the harmless values, before plug-ins are configured."""
        options = vars(config.option)
        for name in options:
            if name in HARMLESS:
                options[name] = HARMLESS[name]
            elif name.startswith(_PUBLISHING):
                options[name] = None
        if "cov_source" in options:
            options["cov_source"] = []
            options["no_cov"] = True


#: Keeps our own pytest plug-in from being imported; a usage error where `addopts` uses it.
WITHOUT_OUR_PLUGIN = ["-p", "no:paramedic"]


def arguments(pytest_args: list[str], files: list[str]) -> list[str]:
    """What pytest is started with."""
    named = dict.fromkeys(_name_of(file) for file in files)
    return [*pytest_args, "--capture=no", "--assert=plain", "-q", *named]


def _name_of(file: str) -> str:
    """What names a file for pytest: for one with brackets in its path, a folder above it.

    pytest takes a bracket for the parameters of a test.
    """
    name = os.path.relpath(file) if "[" in file else file
    while "[" in name:
        name = os.path.dirname(name)  # noqa: PTH120 - may be empty: the folder we are in
    return name or os.curdir


def knows_paths() -> bool:
    """Whether this pytest tells plug-ins of paths: from 7 on, which also tells its version."""
    return getattr(pytest, "version_tuple", (0,)) >= (7,)


class OnlyFiles:
    """A pytest plug-in that keeps what is named by its folder from being collected whole."""

    def __init__(self, files: list[str]) -> None:
        """Leave alone what is not near one of these files."""
        self._files = frozenset(files)
        self._folders = {os.path.dirname(f) for f in files if "[" in f}  # noqa: PTH120

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Ignore other files, and folders that hold none of the wanted ones."""
        if not self._folders:
            return None
        path = str(collection_path)
        if collection_path.is_dir():
            return None if any(f"{f}{os.sep}".startswith(path) for f in self._folders) else True
        return None if path in self._files or path.endswith("__init__.py") else True
