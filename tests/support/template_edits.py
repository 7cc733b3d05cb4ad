"""Every edit that the templates make of a source, without running anything."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from paramedic_workers.repair.candidates import functions_of
from paramedic_workers.repair.knowledge import Knowledge
from paramedic_workers.repair.messages import ErrorSeen
from paramedic_workers.repair.modules import Modules
from paramedic_workers.repair.scope import Scope
from paramedic_workers.repair.source import Source
from paramedic_workers.repair.templates import TEMPLATES, Site, Template

Types = Mapping[str, set[str]]


def edits(
    text: str,
    *,
    types: Types | None = None,
    error: tuple[str, str] | ErrorSeen | None = None,
    attributes: dict[str, dict[str, str]] | None = None,
    root: Path = Path("/nowhere"),
    templates: Sequence[Template] = TEMPLATES,
) -> Iterator[tuple[str, float, str]]:
    """Every edit of a source: template, weight, the source afterwards.

    Args:
        text: the source; names are those of its first function.
        types: types of variables that were seen.
        error: type and message that the failing test ends in.
        attributes: of classes, as a trace tells them.
        root: where the file would be.
        templates: that are asked.
    """
    source = Source(root / "module.py", "module.py", text)
    functions = functions_of(source)
    knowledge = Knowledge(modules=Modules(root), attributes=attributes or {})
    if error:
        knowledge.errors.append(error if isinstance(error, ErrorSeen) else ErrorSeen(*error))
    seen = {name: frozenset(kinds) for name, kinds in (types or {}).items()}
    scope = Scope(source, functions[0] if functions else None, seen)
    for node in ast.walk(source.tree):
        site = Site(source, scope, knowledge, node)
        for template in templates:
            if isinstance(node, template.looks_at):
                for proposal in template.propose(site):
                    yield template.name, proposal.weight, source.apply(proposal.parts)
