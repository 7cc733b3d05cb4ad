"""`paramedic config`: says what is wrong with the settings, or what they are."""

from __future__ import annotations

from pathlib import Path

import click


@click.group(
    epilog="""\b
Examples:
  paramedic config check                       every mistake, with file, key and remedy
  paramedic config check --file other.toml
  paramedic config show                        what applies, environment included
"""
)
def command() -> None:
    """Check or show the settings.

    They come from paramedic.toml (the one PARAMEDIC_CONFIG names, else in this
    folder, else in ~/.config/paramedic) and PARAMEDIC_… variables. docs/settings.md
    lists them all.
    """


_file = click.option(
    "--file",
    "path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="This file, in place of the one that applies.",
)


@command.command(short_help="Name file, key and remedy of each mistake.")
@_file
@click.pass_context
def check(context: click.Context, path: Path | None) -> None:
    """Name file, key and remedy of each mistake; exit status 2 where there is one."""
    from paramedic_workers import settings_file

    mistakes = settings_file.check(path)
    for mistake in mistakes:
        click.echo(f"{mistake.source}: ", nl=False, err=True)
        click.echo(click.style(mistake.key, fg="red", bold=True), nl=False, err=True)
        click.echo(f": {mistake.problem} {mistake.remedy}", err=True)
    if mistakes:
        context.exit(2)
    found = path or settings_file.find()
    click.echo(f"{found}: no mistakes" if found else "no settings file; the defaults apply")


@command.command()
@_file
def show(path: Path | None) -> None:
    """Print the settings that apply as TOML, without secrets."""
    from paramedic_workers import settings_file
    from paramedic_workers.cli.toml import settings_as_toml

    source, settings = path or settings_file.find(), settings_file.load(path)
    click.echo(f"# from {source or 'defaults and environment'}")
    click.echo(settings_as_toml(settings))
