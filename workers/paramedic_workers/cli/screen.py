"""Where a command writes: results to stdout, progress and notes to stderr.

On a terminal with colour; in a pipe plain lines that are never wrapped.
"""

from __future__ import annotations

import re
import sys
from typing import TextIO, cast

from rich.console import Console
from rich.table import Table
from rich.theme import Theme

#: Width of a pipe in characters: beyond any line, so that nothing is wrapped.
PIPE_WIDTH = 10_000
_TRAILING = re.compile(r" +$", re.MULTILINE)

THEME = Theme(
    {
        "good": "green",
        "bad": "red",
        "mild": "yellow",
        "cool": "blue",
        "soft": "bright_black",
        "brand": "bold cyan",
        "badge.good": "bold white on green4",
        "badge.bad": "bold white on red3",
        "badge.mild": "bold black on gold3",
        "badge.cool": "bold white on dodger_blue3",
        "badge.soft": "bold",
        "diff.added": "green",
        "diff.removed": "red",
        "diff.hunk": "cyan",
        "diff.name": "bold",
    }
)


def output() -> Console:
    """The console on stdout."""
    return console_on(sys.stdout)


def notes() -> Console:
    """The console on stderr."""
    return console_on(sys.stderr)


class _PlainLines:
    """A stream whose lines have no trailing spaces: tables pad their last column."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write(_TRAILING.sub("", text))

    def flush(self) -> None:
        self._stream.flush()


def console_on(stream: TextIO) -> Console:
    """A console that suits the stream."""
    terminal = stream.isatty()
    return Console(
        file=stream if terminal else cast("TextIO", _PlainLines(stream)),
        theme=THEME,
        highlight=False,
        emoji=False,
        width=None if terminal else PIPE_WIDTH,
        no_color=None if terminal else True,
        force_terminal=terminal,
        soft_wrap=False,
        legacy_windows=False,
    )


def table(
    console: Console, *columns: str, right: tuple[str, ...] = (), whole: tuple[str, ...] = ()
) -> Table:
    """A table that suits the console: ruled on a terminal, bare columns in a pipe.

    Args:
        console: where it is shown.
        columns: titles.
        right: those columns that are aligned to the right.
        whole: those that keep their width on a terminal that is too narrow for all.
    """
    from rich import box

    made = Table(
        box=box.SIMPLE_HEAD if console.is_terminal else None,
        pad_edge=False,
        header_style="bold",
        show_edge=False,
    )
    for column in columns:
        made.add_column(
            column,
            justify="right" if column in right else "left",
            overflow="fold" if console.is_terminal else "ignore",
            no_wrap=column in whole or not console.is_terminal,
        )
    return made
