"""Templates of other packages, found by the entry point group `paramedic.templates`.

An entry point names a `Template`, or a sequence of them:

    [project.entry-points."paramedic.templates"]
    rounding = "their_package.rounding:TEMPLATE"

What cannot be loaded is refused, and what raises while it proposes is left out: both are
logged with the name of the distribution, and neither ever breaks a repair.
"""

from __future__ import annotations

import ast
import logging
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import EntryPoint, entry_points

from paramedic_workers.repair.edits import Proposal
from paramedic_workers.repair.source import Replacement
from paramedic_workers.repair.templates.site import Site, Template

#: The entry point group in which templates are looked up.
GROUP = "paramedic.templates"
#: Proposals of one template of another package at one node.
_MOST = 200

_log = logging.getLogger(__name__)


class BrokenTemplate(Exception):
    """A template is installed and cannot be used."""


def installed_templates() -> tuple[Template, ...]:
    """The templates of installed packages that can be used, by the name of their entry point."""
    found: list[Template] = []
    for entry in sorted(entry_points(group=GROUP), key=lambda e: (e.name, e.value)):
        try:
            found += [_guarded(template, entry) for template in _loaded(entry)]
        except BrokenTemplate as error:
            _log.warning("%s", error)
    return tuple(found)


def _loaded(entry: EntryPoint) -> list[Template]:
    """What an entry point names, checked.

    Raises:
        BrokenTemplate: it cannot be imported, or is no template; the message says whose.
    """
    where = f"The template {entry.name!r} ({entry.value}) of {_distribution(entry)}"
    try:
        named = entry.load()
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        message = f"{where} cannot be loaded: {type(error).__name__}: {error}."
        raise BrokenTemplate(message) from error
    templates = list(named) if isinstance(named, (list, tuple)) else [named]
    for template in templates:
        problem = _problem(template)
        if problem:
            raise BrokenTemplate(f"{where} is refused: {problem}.")
    return templates


def _problem(template: object) -> str:
    if not isinstance(template, Template):
        return f"{type(template).__name__} is no Template"
    if not isinstance(template.name, str) or not template.name:
        return "it has no name"
    if not isinstance(template.prior, (int, float)) or not 0 < template.prior <= 1:
        return f"its prior is {template.prior!r}, not above 0 to 1"
    kinds = template.looks_at
    if not isinstance(kinds, tuple) or not all(
        isinstance(kind, type) and issubclass(kind, ast.AST) for kind in kinds
    ):
        return "`looks_at` is no tuple of syntax tree classes"
    return "" if callable(template.propose) else "`propose` cannot be called"


def _guarded(template: Template, entry: EntryPoint) -> Template:
    """The template, of which an exception or a wrong proposal is logged and left out."""
    broken: list[str] = []

    def propose(site: Site) -> Iterator[Proposal]:
        if broken:
            return
        try:
            for number, proposal in enumerate(template.propose(site)):
                if number >= _MOST:
                    return
                _check(proposal, site)
                yield proposal
        except Exception as error:  # noqa: BLE001 - foreign code
            broken.append(template.name)
            _log.warning(
                "The template %r of %s is left out of this repair: %s: %s",
                template.name,
                _distribution(entry),
                type(error).__name__,
                error,
            )

    return replace(template, propose=propose)


def _check(proposal: object, site: Site) -> None:
    """Raises TypeError or ValueError for what is no sound proposal."""
    if not isinstance(proposal, Proposal):
        raise TypeError(f"{type(proposal).__name__} is no Proposal")
    if not 0 < proposal.weight <= 1:
        raise ValueError(f"a weight of {proposal.weight!r} is not above 0 to 1")
    if not proposal.parts:
        raise ValueError("a proposal without parts")
    reached = 0
    for part in sorted(proposal.parts):
        if not isinstance(part, Replacement) or not isinstance(part.text, str):
            raise TypeError(f"{part!r} is no Replacement of text")
        if not reached <= part.start <= part.end <= len(site.source.text):
            raise ValueError(f"{part!r} overlaps another, or is not inside the source")
        reached = part.end


def _distribution(entry: EntryPoint) -> str:
    distribution = getattr(entry, "dist", None)
    return f"{distribution.name} {distribution.version}" if distribution else "a package"
