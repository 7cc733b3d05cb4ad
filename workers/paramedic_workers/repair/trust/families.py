"""Families of edits (names of templates) that speak for a patch."""

from __future__ import annotations

#: Edits that people make often.
USUAL = frozenset(
    {
        "comparison operator",
        "arithmetic operator",
        "augmented assignment",
        "`not` dropped",
        "and/or",
        "off by one",
        "other builtin",
        "arguments swapped",
        "missing import",
        "moved name",
        "undefined name",
        "undefined attribute",
        "truth value",
        "other name",
        "confused method",
        "operands swapped",
        "missing colon",
        "missing bracket",
        "missing comma",
        "foreign word",
        "misspelt keyword",
        "comparison",
        "odd character",
    }
)

#: Edits that follow from the error message itself.
AIMED = frozenset(
    {
        *("missing import", "moved name", "other module", "undefined name", "undefined attribute"),
        # In a file that does not parse, at the parser's own position.
        *("missing colon", "missing bracket", "foreign word", "comparison", "odd character"),
    }
)
