"""Every command and option stands in docs/cli.md, and every option there exists."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
import pytest

from paramedic_workers.cli.commands import COMMANDS, root
from tests.support.documents import DOCS

PAGE = (DOCS / "cli.md").read_text(encoding="utf-8")


def section(name: str) -> str:
    """What the page says of a command, from its heading to the next."""
    found = re.search(
        rf"^## (?:`paramedic {name}`|{name.title()})\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S
    )
    assert found, f"docs/cli.md has no section of {name}"
    return found[1]


def options(command: click.Command) -> Iterator[str]:
    """The long options of a command and of its commands."""
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            yield from (option for option in parameter.opts if option.startswith("--"))
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            yield from options(inner)


@pytest.mark.parametrize("name", list(COMMANDS))
def test_a_command_and_its_options_are_documented(name: str) -> None:
    command = root.get_command(click.Context(root), name)
    assert command is not None
    documented = set(re.findall(r"--[a-z][a-z-]*", section(name)))
    assert set(options(command)) <= documented


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_documented_option_exists(name: str) -> None:
    command = root.get_command(click.Context(root), name)
    assert command is not None
    shown = re.findall(rf"paramedic {name}\b[^`\n#|]*", section(name))
    documented = {option for line in shown for option in re.findall(r" (--[a-z][a-z-]*)", line)}
    assert documented <= set(options(command))


def test_the_table_of_commands_is_whole() -> None:
    rows = re.findall(r"^\| \[`([\w-]+)`\]\(#(?:paramedic-)?[\w-]+\)", PAGE, re.MULTILINE)
    assert sorted(rows) == sorted(COMMANDS)


def test_what_every_command_takes_is_documented() -> None:
    introduction = PAGE.partition("\n## ")[0]
    assert all(option in introduction for option in options(click.Group(params=root.params)))
