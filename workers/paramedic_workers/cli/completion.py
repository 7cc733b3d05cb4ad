"""`paramedic completion`: prints the completion script of a shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from paramedic_workers.cli.commands import root


@click.command(
    epilog="""\b
Examples:
  eval "$(paramedic completion bash)"                                 in ~/.bashrc
  eval "$(paramedic completion zsh)"                                  in ~/.zshrc
  paramedic completion fish > ~/.config/fish/completions/paramedic.fish
"""
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the script that completes commands and options in SHELL."""
    completion = get_completion_class(shell)
    if completion is None:
        raise click.UsageError(f"there is no completion for {shell}")
    click.echo(completion(root, {}, "paramedic", "_PARAMEDIC_COMPLETE").source())
