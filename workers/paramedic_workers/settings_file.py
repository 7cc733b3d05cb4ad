"""Reads settings: the file, then the environment over it, then the checks.

Where they come from, the later ones winning:

1. the defaults in `settings`;
2. `paramedic.toml`: the one named by `PARAMEDIC_CONFIG`, else the one in the working
   directory, else `$XDG_CONFIG_HOME/paramedic/paramedic.toml`;
3. `PARAMEDIC_…` variables for the top-level keys: `PARAMEDIC_BROKER_URL`, `PARAMEDIC_DATA`.

Every mistake is found in one go, and each names its file, its key and its remedy.
Relative paths in the file are relative to its folder.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_type_hints

import msgspec

from paramedic.location import data_directory
from paramedic_workers.errors import SettingsError
from paramedic_workers.settings import Settings, TargetSettings
from paramedic_workers.settings_rules import MachineRules, Problem, rule_problems
from paramedic_workers.settings_words import closest, fitting, misfit

#: Variables that are no setting of the workers, and therefore never a mistake: those of
#: producers, and secrets of sinks.
FOREIGN_VARIABLES = frozenset(
    {
        "PARAMEDIC_CONFIG",
        "PARAMEDIC_TARGET",
        "PARAMEDIC_REVISION",
        "PARAMEDIC_JIRA_TOKEN",
        "PARAMEDIC_WEBHOOK_SECRET",
        "PARAMEDIC_NOTIFY_URLS",
        # Names the folder of Atlassian's documents to this project's own tests.
        "PARAMEDIC_JIRA_CONTRACT",
    }
)
#: Keys of sinks' tables that name files and folders, besides those that end in `_file`.
_SINK_PLACES = frozenset({"directory", "templates"})
_PREFIX = "PARAMEDIC_"


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """One thing that is wrong in the settings."""

    #: The file, or the environment variable's name.
    source: str
    #: Dotted key: `targets.shop.runs`.
    key: str
    problem: str
    #: What to do about it, one sentence.
    remedy: str

    def __str__(self) -> str:
        """Source, key, problem and remedy in one line."""
        return f"{self.source}: {self.key}: {self.problem} {self.remedy}"


@dataclass(kw_only=True)
class _Draft:
    """Settings while they are being read."""

    source: str
    #: Folder that relative paths of the file start from.
    folder: Path
    values: dict[str, Any] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)

    def mistake(self, key: str, problem: str, remedy: str, source: str = "") -> None:
        self.mistakes.append(
            Mistake(source=source or self.source, key=key, problem=problem, remedy=remedy)
        )


def find(environ: Mapping[str, str] = os.environ) -> Path | None:
    """The settings file that applies, or None where there is none.

    Raises:
        SettingsError: `PARAMEDIC_CONFIG` names a file that does not exist.
    """
    if named := environ.get("PARAMEDIC_CONFIG"):
        if not Path(named).is_file():
            raise SettingsError(
                f"PARAMEDIC_CONFIG names {named}, which is no file.",
                remedy="Correct it or unset it.",
            )
        return Path(named)
    home = environ.get("XDG_CONFIG_HOME") or str(Path("~/.config").expanduser())
    places = (Path("paramedic.toml"), Path(home, "paramedic", "paramedic.toml"))
    return next((place for place in places if place.is_file()), None)


def load(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings that apply.

    Args:
        path: the file; found by `find` where None.
        environ: where `PARAMEDIC_…` variables are looked up.

    Raises:
        SettingsError: the file cannot be read, or something in it or in the environment
            is wrong; the message names every mistake, a line each.
    """
    settings, mistakes = _read(path or find(environ), environ)
    if mistakes or settings is None:
        lines = "\n".join(str(mistake) for mistake in mistakes)
        raise SettingsError(lines)
    return settings


def check(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> list[Mistake]:
    """Every mistake, those of the machine included: paths that do not exist, missing tools.

    Raises:
        SettingsError: `PARAMEDIC_CONFIG` names a file that does not exist.
    """
    file = path or find(environ)
    settings, mistakes = _read(file, environ)
    if settings is not None:
        source = str(file) if file else "environment"
        found = MachineRules().problems(settings)
        mistakes += [_as_mistake(source, problem) for problem in found]
    return mistakes + list(_unknown_variables(environ))


def _read(file: Path | None, environ: Mapping[str, str]) -> tuple[Settings | None, list[Mistake]]:
    draft = _Draft(
        source=str(file) if file else "environment",
        folder=file.resolve().parent if file else Path.cwd(),
    )
    if file is not None:
        _take_file(draft, file)
    _take_environment(draft, environ)
    draft.values.setdefault("data", str(data_directory(environ)))
    settings = Settings(**draft.values)
    draft.mistakes += [_as_mistake(draft.source, p) for p in rule_problems(settings)]
    return (None if draft.mistakes else settings), draft.mistakes


def _as_mistake(source: str, problem: Problem) -> Mistake:
    return Mistake(source=source, key=problem.key, problem=problem.problem, remedy=problem.remedy)


def _take_file(draft: _Draft, file: Path) -> None:
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        draft.mistake("(file)", f"cannot be read: {error}.", "Make it a readable UTF-8 file.")
        return
    except tomllib.TOMLDecodeError as error:
        draft.mistake("(file)", f"is not TOML: {error}.", "Correct the line it names.")
        return
    targets = table.pop("targets", {})
    _take_fields(draft, Settings, table, "", draft.values)
    if data := draft.values.get("data"):
        draft.values["data"] = _anchored(data, draft.folder)
    if sinks := draft.values.get("sinks"):
        draft.values["sinks"] = {
            name: _with_places(table, draft.folder) for name, table in sinks.items()
        }
    if not isinstance(targets, dict):
        draft.mistake("targets", "is no table.", "Write [targets.NAME] tables.")
        return
    draft.values["targets"] = dict(_targets(draft, targets))


def _targets(draft: _Draft, tables: dict[str, Any]) -> Iterator[tuple[str, TargetSettings]]:
    for name, table in tables.items():
        key = f"targets.{name}"
        if not isinstance(table, dict):
            draft.mistake(key, "is no table.", f"Write [targets.{name}] and its keys below it.")
            continue
        values: dict[str, Any] = {}
        _take_fields(draft, TargetSettings, table, f"{key}.", values)
        if "repository" not in values:
            if "repository" not in table:
                draft.mistake(
                    f"{key}.repository", "is missing.", "Name a path or URL that git can clone."
                )
            continue
        for place in ("repository", "remote", "python"):
            if values.get(place):
                values[place] = _anchored(values[place], draft.folder)
        yield name, TargetSettings(**{**values, "name": name})


def _with_places(table: Mapping[str, object], folder: Path) -> dict[str, object]:
    """The table of a sink with its paths made absolute."""
    places = {
        key: _anchored(value, folder)
        for key, value in table.items()
        if value and isinstance(value, str) and (key in _SINK_PLACES or key.endswith("_file"))
    }
    return {**table, **places}


def _anchored(place: str, folder: Path) -> str:
    """A relative path made absolute; URLs (`https://…`, `git@host:path`) stay as they are."""
    if "://" in place or (":" in place.partition("/")[0]):
        return place
    # Not resolved: the interpreter of a virtual environment is a link, and must stay one.
    return os.path.normpath(folder / Path(place).expanduser())


def _take_fields(
    draft: _Draft,
    kind: type[msgspec.Struct],
    table: dict[str, Any],
    prefix: str,
    values: dict[str, Any],
) -> None:
    hints = get_type_hints(kind)
    for key, value in table.items():
        if key not in hints or (prefix and key == "name"):
            names = [name for name in hints if not (prefix and name == "name")]
            draft.mistake(prefix + key, "is no setting.", closest(key, names))
            continue
        try:
            values[key] = msgspec.convert(value, hints[key], strict=True)
        except msgspec.ValidationError as error:
            draft.mistake(prefix + key, misfit(value, error), fitting(hints[key]))


def _unknown_variables(environ: Mapping[str, str]) -> Iterator[Mistake]:
    """Variables that look like settings and are none: most often a slip of the pen."""
    names = [name for name in get_type_hints(Settings) if name not in ("targets", "sinks")]
    known = {_PREFIX + name.upper() for name in names} | FOREIGN_VARIABLES
    for variable in sorted(environ):
        if variable.startswith(_PREFIX) and variable not in known:
            yield Mistake(
                source="environment",
                key=variable,
                problem="is no setting.",
                remedy=closest(variable, sorted(known)),
            )


def _take_environment(draft: _Draft, environ: Mapping[str, str]) -> None:
    hints = get_type_hints(Settings)
    for variable, text in sorted(environ.items()):
        if not variable.startswith(_PREFIX) or variable in FOREIGN_VARIABLES:
            continue
        key = variable.removeprefix(_PREFIX).lower()
        if key not in hints or key in ("targets", "sinks"):
            continue
        try:
            draft.values[key] = msgspec.convert(text, hints[key], strict=False)
        except msgspec.ValidationError as error:
            remedy = f"{fitting(hints[key])[:-1]}, or unset it."
            draft.mistake(key, misfit(text, error), remedy, variable)
