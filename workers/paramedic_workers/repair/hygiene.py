"""What a careful reader would say of an edit: code that lost its use, or makes no sense.

Each finding is a factor on the score and a sentence. The edited code is compared with
what it was, so that only what the edit itself did counts.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from paramedic_workers.repair.edits import Candidate
from paramedic_workers.repair.source import NotPython, Source

#: Operators with which a value is sometimes combined with itself on purpose.
_DOUBLING = (ast.Add, ast.Mult)
#: Methods that make a list longer or shorter.
_CHANGING = frozenset({"append", "extend", "insert", "remove", "pop", "clear", "add", "discard"})


@dataclass(frozen=True)
class Finding:
    """Something that speaks for or against an edit."""

    factor: float
    reason: str


def findings(candidate: Candidate) -> list[Finding]:
    """What there is to say about the edit; nothing for one outside a function."""
    function = candidate.function
    if function is None:
        return []
    new = edited_function(candidate)
    if new is None:
        return []
    return [
        *_names(function.node, new),
        *_calls(function.node, new),
        *_pointless(function.node, new),
        *_falls_through(function.node, new),
        *_length(candidate),
    ]


def edited_function(candidate: Candidate) -> ast.AST | None:
    """The syntax tree of the candidate's function after the edit."""
    function = candidate.function
    if function is None:
        return None
    try:
        edited = Source(function.source.path, function.source.relative, candidate.text())
    except NotPython:
        return None
    return next(
        (
            node
            for node in ast.walk(edited.tree)
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
            and node.lineno == function.node.lineno
            and node.name == function.node.name
        ),
        None,
    )


def deletes_code(candidate: Candidate) -> bool:
    """Whether the edit takes away more than it writes: a statement, an operand, a call."""
    removed = sum(part.end - part.start for part in candidate.parts)
    written = sum(len(part.text) for part in candidate.parts)
    return removed - written > 3 and not new_words(candidate)


def new_words(candidate: Candidate) -> set[str]:
    """Names and numbers that the edit brings to its place."""
    old = {
        word
        for part in candidate.parts
        for word in _words(candidate.source.text[part.start : part.end])
    }
    return {word for part in candidate.parts for word in _words(part.text)} - old


def _words(text: str) -> list[str]:
    return "".join(c if c.isalnum() or c == "_" else " " for c in text).split()


def _names(old: ast.AST, new: ast.AST) -> Iterator[Finding]:
    before, after = _loads(old), _loads(new)
    for name in sorted(_locals(old)):
        if before[name] and not after[name]:
            yield Finding(0.4, f"`{name}` is no longer used")
        elif after[name] and not before[name]:
            yield Finding(1.6, f"`{name}` was not used before, and is now")


def _calls(old: ast.AST, new: ast.AST) -> Iterator[Finding]:
    before, after = _called(old), _called(new)
    own_name = getattr(old, "name", "")
    for name in sorted(before):
        if name in after:
            continue
        if name == own_name:
            yield Finding(0.4, f"`{name}` no longer calls itself")
        elif len(after) < len(before):
            yield Finding(0.7, f"`{name}` is no longer called")


def _pointless(old: ast.AST, new: ast.AST) -> Iterator[Finding]:
    if _count(new, _is_same_on_both_sides) > _count(old, _is_same_on_both_sides):
        yield Finding(0.2, "an expression is combined with itself")
    if _count(new, _is_doubled) > _count(old, _is_doubled):
        yield Finding(0.3, "a value is combined with itself")
    if _count(new, _names_twice) > _count(old, _names_twice):
        yield Finding(0.4, "a constant stands twice in a list of them")
    if _count(new, _changes_what_it_loops_over) > _count(old, _changes_what_it_loops_over):
        yield Finding(0.3, "a loop changes what it loops over")
    if _count(new, _is_crooked_chain) > _count(old, _is_crooked_chain):
        yield Finding(0.3, "comparisons of opposite directions are chained")
    if _count(new, _drops_repeated) > _count(old, _drops_repeated):
        yield Finding(0.4, "what is repeated is no longer counted")
    if _count(new, _is_unused_loop) > _count(old, _is_unused_loop):
        yield Finding(0.3, "a loop no longer uses what it loops over")
    if _count(new, _is_constant_condition) > _count(old, _is_constant_condition):
        yield Finding(0.5, "a condition is always the same")


def _falls_through(old: ast.AST, new: ast.AST) -> Iterator[Finding]:
    old_body, new_body = getattr(old, "body", []), getattr(new, "body", [])
    returns = any(isinstance(n, ast.Return) and n.value is not None for n in ast.walk(old))
    if returns and _reaches_end(new_body) and not _reaches_end(old_body):
        yield Finding(0.3, "the function may now end without returning a value")


def _length(candidate: Candidate) -> Iterator[Finding]:
    size = sum(len(part.text) + part.end - part.start for part in candidate.parts)
    yield Finding(1.0 / (1.0 + 0.004 * size), "")


def _loads(node: ast.AST) -> Counter[str]:
    return Counter(
        n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)
    )


def _locals(node: ast.AST) -> set[str]:
    stored = {
        n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }
    return stored | {n.arg for n in ast.walk(node) if isinstance(n, ast.arg)}


def _called(node: ast.AST) -> Counter[str]:
    return Counter(ast.unparse(n.func) for n in ast.walk(node) if isinstance(n, ast.Call))


def _count(node: ast.AST, holds: Callable[[ast.AST], bool]) -> int:
    return sum(holds(inner) for inner in ast.walk(node))


def _is_same_on_both_sides(node: ast.AST) -> bool:
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        return ast.dump(node.left) == ast.dump(node.comparators[0])
    if isinstance(node, ast.BoolOp):
        return len({ast.dump(value) for value in node.values}) < len(node.values)
    if isinstance(node, ast.BinOp) and not isinstance(node.op, _DOUBLING):
        return ast.dump(node.left) == ast.dump(node.right)
    if isinstance(node, ast.Call) and len(node.args) == 2:
        return ast.dump(node.args[0]) == ast.dump(node.args[1])
    return False


def _is_doubled(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, _DOUBLING)
        and not isinstance(node.left, ast.Constant)
        and ast.dump(node.left) == ast.dump(node.right)
    )


def _names_twice(node: ast.AST) -> bool:
    """Whether a literal of different constants has one of them twice."""
    elements = node.keys if isinstance(node, ast.Dict) else getattr(node, "elts", ())
    constants = [ast.dump(element) for element in elements if isinstance(element, ast.Constant)]
    return len(constants) > 2 and len(set(constants)) == len(constants) - 1


def _changes_what_it_loops_over(node: ast.AST) -> bool:
    """Whether a loop over a name calls a method that changes what has this name."""
    if not isinstance(node, ast.For) or not isinstance(node.iter, ast.Name):
        return False
    calls = [inner.func for inner in ast.walk(node) if isinstance(inner, ast.Call)]
    return any(
        isinstance(call, ast.Attribute)
        and call.attr in _CHANGING
        and isinstance(call.value, ast.Name)
        and call.value.id == node.iter.id
        for call in calls
    )


def _is_crooked_chain(node: ast.AST) -> bool:
    """Whether a chain goes up and down: `a > b < c`."""
    if not isinstance(node, ast.Compare):
        return False
    up = any(isinstance(op, (ast.Lt, ast.LtE)) for op in node.ops)
    return up and any(isinstance(op, (ast.Gt, ast.GtE)) for op in node.ops)


def _drops_repeated(node: ast.AST) -> bool:
    """Whether the values of a set are summed or counted: `len(set(values))`."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or not node.args:
        return False
    inner = node.args[0]
    return (
        node.func.id in ("sum", "len")
        and isinstance(inner, ast.Call)
        and isinstance(inner.func, ast.Name)
        and inner.func.id == "set"
    )


def _is_unused_loop(node: ast.AST) -> bool:
    """Whether a comprehension uses none of the names it loops over."""
    if not isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)):
        return False
    targets = {name for loop in node.generators for name in _stored_in(loop.target)}
    return bool(targets - {"_"}) and not any(_loads(node)[name] for name in targets)


def _stored_in(target: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(target) if isinstance(node, ast.Name)}


def _is_constant_condition(node: ast.AST) -> bool:
    return isinstance(node, (ast.If, ast.While, ast.IfExp)) and isinstance(node.test, ast.Constant)


def _reaches_end(body: list[ast.stmt]) -> bool:
    """Whether execution can run off the end of these statements."""
    last = body[-1] if body else None
    if isinstance(last, (ast.Return, ast.Raise, ast.Continue, ast.Break)):
        return False
    if isinstance(last, ast.While) and isinstance(last.test, ast.Constant) and last.test.value:
        return any(isinstance(node, ast.Break) for node in ast.walk(last))
    ways = _ways_through(last)
    return not ways or any(_reaches_end(way) for way in ways)


def _ways_through(statement: ast.stmt | None) -> list[list[ast.stmt]]:
    """The bodies of a compound statement, one of which is run last; none for others."""
    if isinstance(statement, ast.If):
        return [statement.body, statement.orelse]
    if isinstance(statement, (ast.With, ast.AsyncWith)):
        return [statement.body]
    if isinstance(statement, ast.Try):
        handlers = [handler.body for handler in statement.handlers]
        return [statement.orelse or statement.body, *handlers]
    return []
