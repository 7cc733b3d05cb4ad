"""A name that belongs to `self`, a class or a module; `self` itself.

return total                return self.total           (from a NameError)
    def area():                 def area(self):         (takes 0 positional arguments)
return name.len()           return len(name)        (a function, not a method)
return self.size            return self.size()          (method taken for a value)
if order.is_paid():         if order.is_paid:           (object is not callable)
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator

from paramedic_workers.repair.edits import Proposal
from paramedic_workers.repair.knowledge import METHOD
from paramedic_workers.repair.source import Replacement
from paramedic_workers.repair.templates.names import undefined_names
from paramedic_workers.repair.templates.site import Site, family

_TAKES = re.compile(r"(\w+)\(\) takes (\d+) positional arguments? but (\d+)")


def missing_owner(site: Site) -> Iterator[Proposal]:
    """`x` becomes `self.x`, `cls.x` or `module.x`, for a name that does not exist."""
    assert isinstance(site.node, ast.Name)
    name = site.node.id
    messages = [m for m, _ in site.messages("NameError", "UnboundLocalError")]
    if not isinstance(site.node.ctx, ast.Load) or name not in undefined_names(messages):
        return
    function = site.scope.function
    if function is not None and function.classes and function.node.args.args:
        first = function.node.args.args[0].arg
        yield from site.replace(site.node, f"{first}.{name}", 1.0)
        yield from site.replace(site.node, f"{function.classes[-1]}.{name}", 0.5)
    modules = [n for n, kind in site.scope.module_names.items() if kind == "module"]
    for module in modules[:6]:
        yield from site.replace(site.node, f"{module}.{name}", 0.6)


def missing_self(site: Site) -> Iterator[Proposal]:
    """`self` as first parameter of a method that has none."""
    assert isinstance(site.node, ast.Module)
    wanted = {
        name
        for message in site.knowledge.messages_of("TypeError")
        for name, takes, given in _TAKES.findall(message)
        if int(given) == int(takes) + 1
    }
    for node in ast.walk(site.node) if wanted else ():
        is_method = isinstance(site.source.parents.get(node), ast.ClassDef)
        if isinstance(node, _FUNCTIONS) and is_method and node.name in wanted:
            yield from _with_self(site, node)


def method_reference(site: Site) -> Iterator[Proposal]:
    """`x.f` becomes `x.f()`; `x.f()` becomes `x.f`."""
    node = site.node
    if isinstance(node, ast.Attribute) and site.is_value:
        kinds = (
            site.knowledge.attributes.get(o, {}).get(node.attr) for o in site.types_of(node.value)
        )
        wrong = any(True for _ in site.messages("TypeError", "AttributeError"))
        if METHOD in kinds or (wrong and not isinstance(site.parent, ast.Call)):
            yield from site.replace(node, f"{site.text()}()", 1.0 if METHOD in kinds else 0.4)
    elif isinstance(node, ast.Call) and not node.args and not node.keywords:
        messages = [m for m, _ in site.messages("TypeError")]
        if any("not callable" in message for message in messages):
            yield from site.replace(node, site.text(node.func))


def function_for_method(site: Site) -> Iterator[Proposal]:
    """`x.f(y)` becomes `f(x, y)`, for a method that `x` does not have and a function there is."""
    call = site.node
    assert isinstance(call, ast.Call)
    if not isinstance(call.func, ast.Attribute):
        return
    name = call.func.attr
    messages = [message for message, _ in site.messages("AttributeError")]
    if not any(f"has no attribute '{name}'" in message for message in messages):
        return
    if hasattr(builtins, name) or name in site.scope.module_names:
        given = [site.text(a) for a in (call.func.value, *call.args, *call.keywords)]
        yield from site.replace(call, f"{name}({', '.join(given)})")


def _with_self(site: Site, function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Proposal]:
    name = site.source.text.index(function.name, site.source.span(function)[0])
    place = site.source.text.index("(", name) + 1
    arguments = function.args
    alone = not (arguments.args or arguments.vararg or arguments.kwonlyargs or arguments.kwarg)
    owner = "cls" if "classmethod" in map(site.text, function.decorator_list) else "self"
    text = owner if alone else f"{owner}, "
    yield Proposal((Replacement(place, place, text),), 1.0, f"`{owner}` added")
    if not function.decorator_list:
        yield from site.insert_before(function, ["@staticmethod"], 0.6)


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

OWNER = family("missing owner", (ast.Name,), missing_owner)
FUNCTION = family("missing owner", (ast.Call,), function_for_method)
SELF = family("missing self", (ast.Module,), missing_self)
REFERENCE = family("method reference", (ast.Attribute, ast.Call), method_reference)
