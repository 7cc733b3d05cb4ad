"""The console sink: one readable line per result in the worker's output."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TextIO

from paramedic_workers.errors import DeliveryError
from paramedic_workers.results import Result
from paramedic_workers.settings import ConsoleSinkSettings
from paramedic_workers.sinks.report import duration


class ConsoleSink:
    """Writes one line for each result.

    A line that is written twice does no harm, so this sink remembers nothing.
    """

    name = "console"
    settings_type = ConsoleSinkSettings

    def __init__(self, stream: TextIO | None = None) -> None:
        """Write to `stream`; to stdout, whatever it is by then, where None."""
        self._stream = stream

    @classmethod
    def open(cls, settings: ConsoleSinkSettings, data: Path) -> ConsoleSink:
        """The sink on stdout."""
        del settings, data
        return cls()

    def deliver(self, result: Result) -> None:
        """Write the line.

        Raises:
            DeliveryError: the stream is closed or full.
        """
        try:
            print(describe_result(result), file=self._stream or sys.stdout, flush=True)
        except (OSError, ValueError) as error:
            raise DeliveryError(f"the console does not take the result: {error}") from error


def describe_result(result: Result) -> str:
    """The result in one line: target, verdict, summary, and where the patch is."""
    parts = [f"{result.target} {result.incident[:12]}: {result.verdict}: {result.summary}"]
    if result.confidence is not None:
        parts.append(f"confidence {result.confidence}")
    if result.branch:
        parts.append(f"branch {result.branch}")
    if result.unpublished:
        parts.append(f"not published: {result.unpublished}")
    if len(result.failing_tests) > 1:
        parts.append(f"{len(result.failing_tests)} tests")
    parts.append(duration(result.seconds))
    return " | ".join(parts)
