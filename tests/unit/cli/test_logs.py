"""A command's log lines are for people."""

from __future__ import annotations

from paramedic_workers.cli.logs import as_line


def test_an_event_is_one_line_that_ends_with_its_remedy() -> None:
    event = {
        "event": "sandbox_not_in_force",
        "level": "warning",
        "logger": "paramedic_workers.healing.sandbox",
        "timestamp": "2026-03-01T12:00:00Z",
        "reason": "bubblewrap is not\ninstalled",
        "remedy": "Install bubblewrap.",
    }
    assert as_line(None, "", event) == (
        "paramedic: warning: sandbox not in force (reason: bubblewrap is not installed). "
        "Install bubblewrap."
    )
