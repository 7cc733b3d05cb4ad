"""Families of edits, by name of template, that speak for a patch or against it."""

from __future__ import annotations

#: Edits that follow from the error message itself, or from the parser's own position.
AIMED = frozenset(
    {
        *("missing import", "moved name", "other module", "undefined name"),
        *("undefined attribute", "unset attribute", "missing key", "missing owner"),
        *("missing self", "missing argument", "unknown keyword", "missing await"),
        *("missing colon", "missing bracket", "foreign word", "comparison", "odd character"),
    }
)

#: Edits that people make often: slips, one token for its neighbour.
USUAL = AIMED | frozenset(
    {
        *("comparison operator", "arithmetic operator", "augmented assignment", "`not` dropped"),
        *("and/or", "off by one", "other builtin", "arguments swapped", "operands swapped"),
        *("truth value", "other name", "confused method", "spelling in a text"),
        *("missing comma", "misspelt keyword"),
    }
)

#: Edits that pass easily: conditions that suit the failing case, code that is gone.
EASY = frozenset(
    {
        *("condition replaced", "condition extended", "condition added", "filter added"),
        *("filter dropped", "early exit", "statement copied", "statement dropped"),
        *("argument dropped", "element dropped", "operand dropped", "exception swallowed"),
        *("expected constant", "composed expression"),
    }
)

#: Edits that shift a number, right where it counts something, else likely made to measure.
SHIFTING = frozenset({"off by one", "number", "sign"})

#: Edits that turn a condition around.
TURNING = frozenset({"condition negated", "`not` dropped", "branches swapped"})

#: Edits that have an error go away, whether or not what then happens is what was meant.
SILENCING = frozenset(
    {
        *("missing conversion", "missing default", "guard", "early exit", "none check"),
        *("type check", "exception swallowed", "caught exception"),
    }
)
