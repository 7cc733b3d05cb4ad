"""Reads the settings table of a sink, and says what is wrong with it.

1. The table is turned into the struct that the sink declares; each key that does not fit is
   named, with what would.
2. Where the struct has a method `problems`, it says what else must hold:

       def problems(self, settings: Settings) -> Iterable[Problem]: ...

   Its keys are those of the table: `url`, `targets.shop.project`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_type_hints

import msgspec

from paramedic_workers.errors import SettingsError
from paramedic_workers.settings import Settings
from paramedic_workers.settings_rules import Problem
from paramedic_workers.settings_words import closest, fitting, misfit


def read_table(
    name: str, table: Mapping[str, object], settings_type: type[msgspec.Struct], settings: Settings
) -> tuple[msgspec.Struct | None, list[Problem]]:
    """The settings of one sink, and everything that is wrong with them.

    Args:
        name: of the sink.
        table: as it stands in the settings.
        settings_type: what the sink declares.
        settings: those of all.

    Returns:
        The settings, None where the table does not fit; and the problems, their keys beginning
        with `sinks.NAME`. A sink that is switched off has no problems but those of its table.
    """
    prefix = f"sinks.{name}"
    try:
        made = msgspec.convert(table, settings_type)
    except msgspec.ValidationError as error:
        found = list(_misfits(prefix, table, settings_type))
        whole = f"{str(error).replace('`', '')}."
        names = ", ".join(settings_type.__struct_fields__)
        remedy = f"It may have: {names}."
        return None, found or [Problem(key=prefix, problem=whole, remedy=remedy)]
    if not getattr(made, "enabled", True) or not hasattr(made, "problems"):
        return made, []
    return made, [
        Problem(key=f"{prefix}.{one.key}", problem=one.problem, remedy=one.remedy)
        for one in made.problems(settings)
    ]


def settings_error(problems: list[Problem]) -> SettingsError:
    """The error that names all of them, a line each."""
    return SettingsError("\n".join(f"{one.key}: {one.problem} {one.remedy}" for one in problems))


def _misfits(
    prefix: str, table: Mapping[str, object], kind: type[msgspec.Struct]
) -> Iterator[Problem]:
    """The keys of a table that do not fit."""
    hints: dict[str, Any] = get_type_hints(kind)
    for key, value in table.items():
        if key not in hints:
            yield Problem(
                key=f"{prefix}.{key}",
                problem="is no setting.",
                remedy=closest(key, list(hints)),
            )
            continue
        try:
            msgspec.convert(value, hints[key])
        except msgspec.ValidationError as error:
            yield Problem(
                key=f"{prefix}.{key}", problem=misfit(value, error), remedy=fitting(hints[key])
            )
