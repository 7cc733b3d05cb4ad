"""A conversion that a TypeError asks for.

"total: " + total       "total: " + str(total)
rows[key]               rows[int(key)]          (indices must be integers)
seen.add(row)           seen.add(tuple(row))    (unhashable)
md5(text)               md5(text.encode())      (bytes-like object required)
rows.keys()[0]          list(rows.keys())[0]    (not subscriptable)
md5("text")             md5(text.encode())      (and a name in quotes)
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from paramedic_workers.repair.edits import Proposal
from paramedic_workers.repair.templates.site import Site, family

#: What messages say, and what then helps: `{}` is the expression.
ASKED_FOR: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = tuple(
    (re.compile(pattern), forms)
    for pattern, forms in (
        (r"can only concatenate str|must be str, not", ("str({})",)),
        (r"can't concat \w+ to bytes|concatenate bytes", ("{}.encode()", "bytes({})")),
        (r"can only concatenate list", ("[{}]", "list({})")),
        (r"can only concatenate tuple", ("({},)", "tuple({})")),
        (r"expected str instance|expected str\b|sequence item \d+", ("str({})", "map(str, {})")),
        (r"unsupported operand type.*'str'", ("int({})", "float({})", "str({})", "len({})")),
        (r"unsupported operand type", ("list({})", "set({})", "len({})", "int({})")),
        (r"not supported between instances of .*'str'", ("int({})", "len({})", "str({})")),
        (r"not supported between", ("len({})", "str({})")),
        (r"indices must be integers|cannot be interpreted as an integer", ("int({})", "len({})")),
        (r"unhashable type", ("tuple({})", "frozenset({})", "str({})")),
        (r"a bytes-like object is required|must be encoded|expected bytes", ("{}.encode()",)),
        (r"cannot use a string pattern on a bytes|not 'bytes'|instance, bytes", ("{}.decode()",)),
        (r"not subscriptable|not an iterator|has no len\(\)", ("list({})", "iter({})", "str({})")),
        (r"not reversible", ("list({})",)),
        (r"not iterable", ("[{}]", "str({})", "range({})")),
        (r"not JSON serializable", ("str({})", "list({})", "dict({})")),
        (r"argument must be str|expected string or bytes|must be a string", ("str({})",)),
        (r"invalid literal for int", ("float({})", "{}.strip()")),
    )
)

_KINDS = (
    ast.Name,
    ast.Attribute,
    ast.Call,
    ast.Subscript,
    ast.BinOp,
    ast.Constant,
    ast.GeneratorExp,
)


def conversion(site: Site) -> Iterator[Proposal]:
    """The expression, converted as the message suggests."""
    if not _is_operand(site):
        return
    for message, chance in site.messages("TypeError", "ValueError", "AttributeError"):
        for pattern, forms in ASKED_FOR:
            if pattern.search(message):
                for rank, form in enumerate(forms):
                    weight = chance / (1 + 0.4 * rank)
                    yield from site.replace(site.node, form.format(site.text()), weight)
                    if _is_name_in_quotes(site):
                        text = form.format(site.text()[1:-1])
                        yield from site.replace(site.node, text, 0.9 * weight)
                break


def _is_name_in_quotes(site: Site) -> bool:
    node = site.node
    return isinstance(node, ast.Constant) and node.value in site.names()


def _is_operand(site: Site) -> bool:
    """Whether the expression is what an operation works on; also what is looked into."""
    parent = site.parent
    looked_into = isinstance(parent, ast.Subscript) and site.node is parent.value
    return site.is_value or (looked_into and isinstance(getattr(parent, "ctx", None), ast.Load))


TEMPLATE = family("missing conversion", _KINDS, conversion)
