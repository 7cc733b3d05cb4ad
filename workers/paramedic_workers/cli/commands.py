"""The table of commands, and the help that shows it.

The one-line help of each command stands here, so that `paramedic --help`
imports none of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import click


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One command: where it is, and what it does."""

    #: Module below `paramedic_workers.cli`; its function `command` is the command.
    module: str
    help: str
    section: str


HEAL, QUEUE, SET_UP = "Heal a checkout", "Heal through the queue", "Look after it"

COMMANDS: Mapping[str, Entry] = {
    "heal": Entry(
        module="heal", section=HEAL, help="Find, fix and prove what fails in a checkout."
    ),
    "backtest": Entry(
        module="backtest",
        section=HEAL,
        help="Heal the bugs of a clone's own history, and compare with people.",
    ),
    "demo": Entry(
        module="demo", section=HEAL, help="The tour: a broken sample project, healed live."
    ),
    "up": Entry(
        module="up", section=QUEUE, help="Run broker, workers and beat here, until Ctrl-C."
    ),
    "emit": Entry(
        module="emit", section=QUEUE, help="Publish failure events: a test, JUnit XML, JSON."
    ),
    "incidents": Entry(
        module="incidents", section=QUEUE, help="List incidents, or show one whole."
    ),
    "status": Entry(
        module="status", section=QUEUE, help="What is reachable, what waits, what needs you."
    ),
    "dead-letters": Entry(
        module="dead_letters",
        section=QUEUE,
        help="What could not be processed: list, show, replay, drop.",
    ),
    "systemic": Entry(
        module="systemic",
        section=QUEUE,
        help="Failures of the healer itself: list, show, close.",
    ),
    "jira": Entry(
        module="jira", section=SET_UP, help="Compare the settings with Jira; import tickets."
    ),
    "simulate": Entry(
        module="simulate",
        section=SET_UP,
        help="Replay failure conditions, and compare with what is promised.",
    ),
    "config": Entry(module="config", section=SET_UP, help="Check or show the settings."),
    "completion": Entry(
        module="completion", section=SET_UP, help="Print the completion script of a shell."
    ),
}

_EXAMPLES = """\b
Examples:
  paramedic heal .                          what fails here, and how to fix it
  paramedic heal . --apply                  … and take the proven fixes
  paramedic heal . --json | jq .verdict     … for scripts
  paramedic up                              a broker and workers on this machine
  paramedic emit --target shop --junit report.xml
  paramedic incidents --watch

\b
Exit status: 0 done (heal: healed, or nothing failing); 1 heal: anything else;
2 wrong usage or set-up; 130 interrupted.
"""


class LazyGroup(click.Group):
    """A group that imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command of this name; None where there is none."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(
            f"paramedic_workers.cli.{COMMANDS[cmd_name].module}"
        ).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, and name the closest command where there is none of the name."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            close = get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise click.UsageError(f"There is no command {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands by section, without importing them."""
        for section in dict.fromkeys(entry.section for entry in COMMANDS.values()):
            with formatter.section(section):
                formatter.write_dl(
                    [(name, e.help) for name, e in COMMANDS.items() if e.section == section]
                )


def _print_version(ctx: click.Context, _parameter: click.Parameter, value: Any) -> None:
    if value and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"paramedic {version('paramedic-workers')}")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    epilog=_EXAMPLES,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version and exit.",
)
@click.option("--debug", is_flag=True, help="Show the traceback of an error; works anywhere.")
def root(debug: bool) -> None:
    """Paramedic heals failing Python code.

    It reproduces a failure, looks for a fix, proves it, and puts it on a branch of
    its own. When it cannot, it says why.
    """
    del debug  # taken from the arguments before click sees them; stands here for the help
