"""The command line: `paramedic …`, for people and for scripts.

One module per command; each is imported only when its command runs, so that
`paramedic --help` and `paramedic heal` stay quick. `main` is the boundary: every
error becomes one clear line on stderr and an exit status.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Sequence

import click

from paramedic_workers.cli.commands import root
from paramedic_workers.errors import ParamedicError, describe

#: Wrong usage or set-up; also what no command foresaw.
EXIT_USAGE = 2
#: As a shell reports a process that ended by SIGINT, SIGPIPE, SIGTERM.
EXIT_INTERRUPTED, EXIT_BROKEN_PIPE, EXIT_TERMINATED = 130, 141, 143


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit.

    Args:
        arguments: what follows the program's name; `sys.argv` where None.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = _take_debug(words)
    # As an exception, a termination unwinds like Ctrl-C: processes and working trees go.
    with contextlib.suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(EXIT_TERMINATED))
    sys.exit(_guarded(words, debug))


def _take_debug(words: list[str]) -> bool:
    ours = words[: words.index("--")] if "--" in words else words
    if "--debug" not in ours:
        return False
    words.remove("--debug")
    return True


def _guarded(words: list[str], debug: bool) -> int:
    try:
        status = root.main(words, prog_name="paramedic", standalone_mode=False)
        sys.stdout.flush()
    except (KeyboardInterrupt, click.Abort):
        return _say("interrupted; nothing is left behind.", EXIT_INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at exit
        return EXIT_BROKEN_PIPE
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 0
    except Exception as error:  # the boundary: a line for a person, no traceback
        if debug:
            raise
        return _say(_line(error), EXIT_USAGE)
    return status if isinstance(status, int) else 0


def _line(error: Exception) -> str:
    if isinstance(error, ParamedicError):
        return str(error)
    if isinstance(error, click.ClickException):
        return _usage_line(error)
    kind, message, _ = describe(error)
    return f"unexpected {kind}: {message} (run with --debug for the traceback)"


def _usage_line(error: click.ClickException) -> str:
    message = " ".join(error.format_message().split())
    context = error.ctx if isinstance(error, click.UsageError) else None
    if not message.endswith((".", "?", "!")):
        message += "."
    return f"{message} See `{context.command_path} --help`." if context else message


def _say(line: str, status: int) -> int:
    click.echo(f"paramedic: {line}", err=True)
    return status
