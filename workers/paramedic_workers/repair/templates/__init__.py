"""The templates: one small module for each family of edits, one list of them all.

To add one: write a module whose docstring shows a line before and after, with a function
from a `Site` to `Proposal`s, and put its `Template` into `TEMPLATES`. The prior says how
likely a fix is of this family, relative to the others.
"""

from __future__ import annotations

from paramedic_workers.repair.templates import (
    arguments,
    arithmetic,
    attributes,
    booleans,
    calls,
    comparisons,
    conditions,
    constants,
    expressions,
    functions,
    guards,
    imports,
    indices,
    names,
    off_by_one,
    returns,
)
from paramedic_workers.repair.templates.site import Site, Template

#: Every template that looks at one node, in the order of the flow of a reader.
TEMPLATES: tuple[Template, ...] = (
    imports.MISSING,
    imports.MOVED,
    imports.MODULE,
    names.SPELLED_ALIKE,
    attributes.SPELLED_ALIKE,
    comparisons.TEMPLATE,
    arithmetic.OPERATOR,
    conditions.DROPPED_NOT,
    constants.TRUTH,
    booleans.CONNECTIVE,
    off_by_one.ADDED_ONE,
    off_by_one.DROPPED_ONE,
    constants.NUMBER,
    functions.TEMPLATE,
    arguments.SWAPPED,
    arithmetic.AUGMENTED,
    attributes.CONFUSED_METHOD,
    calls.DROPPED,
    calls.ADDED,
    conditions.ADDED_NOT,
    names.OTHER_NAME,
    arithmetic.SWAPPED_OPERANDS,
    indices.INDEX,
    guards.TEMPLATE,
    arithmetic.DROPPED_OPERAND,
    arithmetic.SIGN,
    constants.TEXT,
    arguments.SWAPPED_ELEMENTS,
    arguments.REVERSE,
    arguments.DROPPED,
    booleans.DROPPED_OPERAND,
    attributes.OTHER_ATTRIBUTE,
    names.OTHER_FUNCTION,
    indices.SLICE,
    returns.OTHER_VALUE,
    returns.FORGOTTEN,
    expressions.TEMPLATE,
    calls.ADDED_METHOD,
    indices.ADDED_SLICE,
    names.OTHER_TARGET,
)

__all__ = ["TEMPLATES", "Site", "Template"]
