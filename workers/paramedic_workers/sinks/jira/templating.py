"""The templates of a ticket's texts: those that come with Paramedic, and those in their place.

A template that is broken is found when it is loaded, by writing the texts of sample tickets
with it; never at night, by the first ticket that needs it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from datetime import UTC
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    FileSystemLoader,
    PackageLoader,
    StrictUndefined,
    Template,
    TemplateSyntaxError,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment

from paramedic_workers.errors import SettingsError
from paramedic_workers.healing.summary import first_line
from paramedic_workers.sinks.jira.cleaning import clean_line
from paramedic_workers.sinks.jira.documents import Document
from paramedic_workers.sinks.jira.markup import MarkupError, read_markup
from paramedic_workers.sinks.report import duration, moment, plain, ticked


class TemplateName(StrEnum):
    """The texts, by the name of the file that writes them."""

    #: The one line that the ticket is known by.
    SUMMARY = "summary.txt.j2"
    DESCRIPTION = "description.html.j2"
    #: Verdict, patch or cause have changed.
    COMMENT = "comment.html.j2"
    #: The fix is on the main branch, and the test passes there.
    LANDED = "landed.html.j2"
    #: The description of the epic of a systemic failure.
    EPIC = "epic.html.j2"


_TAG: Final = re.compile(r"<[^>]*>")
_HERE: Final = "paramedic_workers.sinks.jira"


class Templates:
    """Writes texts with templates."""

    def __init__(self, folder: Path | None = None) -> None:
        """Take the templates of this folder before those that come with Paramedic.

        Args:
            folder: None: only those that come with Paramedic.

        Raises:
            SettingsError: the folder or a template in it cannot be used.
        """
        self.own = folder
        own = FileSystemLoader(_checked(folder)) if folder is not None else None
        environment = _environment(own) if own else _own_environment()
        self._templates = {name: self._load(environment, name) for name in TemplateName}

    def line(self, name: TemplateName, context: Mapping[str, Any]) -> str:
        """The text of a template that writes words.

        Raises:
            SettingsError: the template is broken.
        """
        text = self._render(name, context)
        if not clean_line(text).strip(" :"):
            raise self._refused(name, None, "it writes nothing")
        return text

    def document(self, name: TemplateName, context: Mapping[str, Any]) -> Document:
        """The text of a template that writes HTML.

        Raises:
            SettingsError: the template is broken.
        """
        html = self._render(name, context)
        try:
            document = read_markup(html)
        except MarkupError as error:
            raise self._refused(name, None, f"{error}") from error
        if not clean_line(_TAG.sub("", html)):
            raise self._refused(name, None, "it writes nothing")
        return document

    def _render(self, name: TemplateName, context: Mapping[str, Any]) -> str:
        template = self._templates[name]
        try:
            return template.render(context)
        except Exception as error:  # somebody's template may raise anything
            raise self._refused(name, _line(error, template), str(error)) from error

    def _load(self, environment: ImmutableSandboxedEnvironment, name: TemplateName) -> Template:
        try:
            return environment.get_template(name.value)
        except TemplateSyntaxError as error:
            raise self._refused(error.name or name, error.lineno, error.message or "") from error
        except (OSError, UnicodeError) as error:
            raise self._refused(name, None, f"it cannot be read: {error}") from error

    def _refused(self, name: str, line: int | None, why: str) -> SettingsError:
        own = self.own is not None and (self.own / name).exists()
        file = str(self.own / name) if own and self.own is not None else name
        where = f", line {line}" if line else ""
        return SettingsError(
            f"[sinks.jira] templates: {file}{where}: {' '.join(why.split()).rstrip('.')}.",
            remedy="Mend the template, or delete it to use the one that comes with Paramedic.",
        )


@functools.cache
def _own_environment() -> ImmutableSandboxedEnvironment:
    """Those that come with Paramedic, compiled once in a process."""
    return _environment()


def _environment(*own: BaseLoader) -> ImmutableSandboxedEnvironment:
    """Where templates are compiled: those of these loaders before Paramedic's."""
    environment = ImmutableSandboxedEnvironment(
        loader=ChoiceLoader([*own, PackageLoader(_HERE)]),
        autoescape=lambda name: name is None or ".html." in name,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(FILTERS)
    return environment


def _checked(folder: Path) -> Path:
    if not folder.is_dir():
        raise SettingsError(
            f"[sinks.jira] templates: {folder} is no folder.",
            remedy="Name the folder that holds your templates, or leave the setting out.",
        )
    for file in sorted(folder.glob("*.j2")):
        if file.name not in set(TemplateName) and not file.name.startswith("_"):
            raise SettingsError(
                f"[sinks.jira] templates: no text is written by {file}.",
                remedy=f"Templates are {', '.join(TemplateName)}; those that they include "
                "begin with an underscore.",
            )
    return folder


def _line(error: BaseException, template: Template) -> int | None:
    """The line of the template that raised, as far as the traceback knows it."""
    if isinstance(error, TemplateSyntaxError):
        return error.lineno
    trace, line = error.__traceback__, None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == template.filename:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _words(name: object) -> str:
    return str(name).replace("_", " ")


#: What templates may do with a value, beside what Jinja2 has.
FILTERS: Final[Mapping[str, Any]] = {
    "duration": duration,
    "first_line": first_line,
    "minute": lambda at: f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC",
    "moment": moment,
    "plain": plain,
    "ticked": ticked,
    "words": _words,
}
