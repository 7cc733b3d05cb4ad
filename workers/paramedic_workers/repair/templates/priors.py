"""How likely a fix is of each family, relative to the others: all priors in one place.

They come from three sources, and only their order matters:

- what single-statement fixes in public Python repositories are made of (the TSSB-3M data
  set: other identifier, other operand, argument added, other function, wrapped in a call,
  other attribute, other number, stricter condition, method call added, in this order);
- trials on the development bugs of the benchmark: which order puts people's fix first;
- caution: edits that take code away, or write down an answer, pass too easily, so they
  stand last however often they would pass.

A family's own proposals are told apart by their weights; `Project.priors` holds factors
that were learned from a repository's history.
"""

from __future__ import annotations

#: What the error message says outright.
_AIMED = {
    "missing import": 1.0,
    "moved name": 1.0,
    "undefined name": 1.0,
    "undefined attribute": 1.0,
    "missing key": 1.0,
    "missing owner": 1.0,
    "missing self": 1.0,
    "missing conversion": 1.0,
    "missing argument": 1.0,
    "unknown keyword": 1.0,
    "missing await": 1.0,
    "unset attribute": 0.95,
    "other module": 0.9,
    "changed while iterated": 1.0,
    "missing default": 0.8,
    "caught exception": 0.8,
    "raised exception": 0.8,
    "guard that raises": 0.7,
    "guard": 0.6,
}

#: Slips: one token for its neighbour.
_SLIPS = {
    "comparison operator": 0.9,
    "arithmetic operator": 0.9,
    "`not` dropped": 0.9,
    "truth value": 0.9,
    "augmented assignment": 0.8,
    "and/or": 0.8,
    "off by one": 0.95,
    "number": 0.8,
    "other builtin": 0.8,
    "arguments swapped": 0.8,
    "operands swapped": 0.7,
    "confused method": 0.7,
    "other name": 0.75,
    "spelling in a text": 0.75,
}

#: Something was forgotten, or is of another form.
_FORMS = {
    "index": 0.6,
    "condition negated": 0.6,
    "call added": 0.6,
    "call dropped": 0.6,
    "forgotten return": 0.7,
    "forgotten raise": 0.7,
    "forgotten prefix": 0.7,
    "running value": 0.55,
    "none check": 0.55,
    "type check": 0.55,
    "pattern": 0.55,
    "branches swapped": 0.55,
    "grouping": 0.55,
    "method call added": 0.5,
    "text": 0.5,
    "elements swapped": 0.5,
    "fields swapped": 0.5,
    "sort order": 0.5,
    "operand dropped": 0.45,
    "sign": 0.5,
    "copy": 0.5,
    "range": 0.5,
    "keyword added": 0.5,
    "keyword passed on": 0.55,
    "returned value": 0.45,
    "loop control": 0.45,
    "statement moved": 0.45,
    "method reference": 0.45,
    "other attribute": 0.4,
    "other function": 0.4,
    "slice": 0.4,
    "call nested": 0.4,
    "other target": 0.4,
    "other expression": 0.4,
    "slice added": 0.4,
    "step in a loop": 0.9,
    "statement added": 0.35,
    "operand added": 0.35,
    "letter case": 0.5,
    "letter of a text": 0.5,
    "text as well": 0.3,
    "constant for a name": 0.35,
    "aggregate": 0.35,
    "composed expression": 0.25,
    "generator": 0.4,
}

#: They pass easily: conditions that suit the failing case, code that is gone.
_EASY = {
    "condition replaced": 0.35,
    "condition extended": 0.3,
    "condition added": 0.25,
    "filter added": 0.25,
    "early exit": 0.2,
    "statement copied": 0.25,
    "argument dropped": 0.35,
    "element dropped": 0.3,
    "filter dropped": 0.3,
    "exception swallowed": 0.25,
    "statement dropped": 0.08,
    "expected constant": 0.06,
}

PRIORS: dict[str, float] = {**_AIMED, **_SLIPS, **_FORMS, **_EASY}
