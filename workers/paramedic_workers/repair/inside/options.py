"""Switches off what a repository's own pytest settings would do to a search.

`addopts` is written for people: it may ask for parallel runs, coverage, only the last
failures, or a stop at the first one. Options are set on the parsed configuration and
not by further arguments, because an argument of a plug-in that is not installed, or
that `addopts` blocks, is a usage error.
"""

from __future__ import annotations

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
    return [*pytest_args, "--capture=no", "--assert=plain", "-q", *files]
