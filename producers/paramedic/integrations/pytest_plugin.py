"""The pytest plug-in: `pytest --paramedic-target NAME` publishes each failing test.

pytest loads this module in every run, so it imports nothing until a target is named;
the work is done in `pytest_failures`.
"""

from __future__ import annotations

import os

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and the ini value."""
    group = parser.getgroup("paramedic", "publishing failures to Paramedic")
    group.addoption(
        "--paramedic-target",
        metavar="NAME",
        help="publish failing tests as failures of this target (also: ini paramedic_target, "
        "environment PARAMEDIC_TARGET)",
    )
    group.addoption(
        "--paramedic-broker",
        metavar="URL",
        help="the broker to publish to (also: PARAMEDIC_BROKER_URL; else the bundled one)",
    )
    group.addoption(
        "--paramedic-dry-run",
        action="store_true",
        help="say what would be published, and publish nothing",
    )
    parser.addini("paramedic_target", "publish failing tests as failures of this target")


def pytest_configure(config: pytest.Config) -> None:
    """Take part in the run if a target is named.

    Raises:
        pytest.UsageError: the name cannot be that of a target.
    """
    target = target_of(config)
    if not target:
        return
    from paramedic.integrations.pytest_failures import FailurePublisher, FailureRecorder
    from paramedic.publisher import valid_target

    try:
        valid_target(target)
    except ValueError as error:
        raise pytest.UsageError(f"paramedic: {error}") from None
    config.pluginmanager.register(FailureRecorder(config, target), "paramedic-recorder")
    if not hasattr(config, "workerinput"):  # under xdist, only the controller publishes
        config.pluginmanager.register(FailurePublisher(config, target), "paramedic-publisher")


def target_of(config: pytest.Config) -> str:
    """The target named by option, ini file or environment; empty if none is."""
    named = config.getoption("--paramedic-target") or config.getini("paramedic_target")
    return str(named or os.environ.get("PARAMEDIC_TARGET", ""))
