"""Puts another version of a file into a process that has it loaded, in place.

Only the top-level statements that differ are executed. What they define is grafted onto
what was there: functions get the new code, classes the new attributes. So every copy of
a reference (`from shop import total`, an instance, a bound method) sees the new version.
"""

from __future__ import annotations

import ast
import gc
import os
import sys
import types
from collections.abc import Iterator
from typing import Any

_MISSING = object()

#: Attributes of a class that belong to it and not to its version.
_OWN = frozenset({"__dict__", "__weakref__", "__module__", "__qualname__", "__slots__"})


class Transplant:
    """One change from a version to another; knows what could not be changed in place."""

    def __init__(self) -> None:
        """Nothing is changed yet."""
        self._replaced: dict[int, Any] = {}
        self._seen: set[tuple[int, int]] = set()
        # Objects whose ids are in the two above must not go away.
        self._kept: list[Any] = []
        # Code of functions inside functions -> what it becomes.
        self._inner: dict[types.CodeType, types.CodeType] = {}

    def install(self, path: str, old: str, new: str) -> None:
        """Have the loaded module of this file be of version `new`.

        Args:
            path: absolute; a file that is not loaded is left alone.
            old: the text of the version that is loaded.
            new: the text of the wanted version.

        Raises:
            Exception: whatever executing the changed statements raises.
        """
        for module in _modules_from(path):
            for statement in _changed(old, new):
                self._execute(statement, path, module)
        if self._inner:
            self._graft_inner_functions()

    def current(self, function: Any) -> Any:
        """The function that is now in the place of this one: mostly itself."""
        return self._replaced.get(id(function), function)

    def _execute(self, statement: ast.Module, path: str, module: types.ModuleType) -> None:
        namespace = vars(module)
        before = dict(namespace)
        exec(compile(statement, path, "exec", dont_inherit=True), namespace)
        for name, value in list(namespace.items()):
            was = before.get(name, _MISSING)
            if was is value or was is _MISSING:
                continue
            if self._graft(was, value):
                namespace[name] = was
            else:
                _spread(name, was, value)

    # -- grafting --------------------------------------------------------------------

    def _graft(self, old: Any, new: Any) -> bool:
        """Make `old` what `new` is; whether that was possible."""
        if (id(old), id(new)) in self._seen or old is new:
            return True
        self._seen.add((id(old), id(new)))
        self._kept += [old, new]
        if isinstance(old, types.FunctionType) and isinstance(new, types.FunctionType):
            return self._graft_function(old, new)
        if isinstance(old, type) and isinstance(new, type):
            return self._graft_class(old, new)
        if type(old) is not type(new):
            return False
        return self._graft_wrapper(old, new)

    def _graft_function(self, old: types.FunctionType, new: types.FunctionType) -> bool:
        if old.__code__.co_freevars != new.__code__.co_freevars:
            self._replaced[id(old)] = new
            return False
        self._inner.update(_inner_codes(old.__code__, new.__code__))
        old.__code__ = new.__code__
        old.__defaults__ = new.__defaults__
        old.__kwdefaults__ = new.__kwdefaults__
        for name, cell in _cells(old).items():
            wanted = _cells(new)[name]
            if name != "__class__" and not self._graft(_content(cell), _content(wanted)):
                cell.cell_contents = wanted.cell_contents
        return True

    def _graft_inner_functions(self) -> None:
        """Change what outer functions have made before: the wrappers of decorators."""
        becomes = {id(old): new for old, new in self._inner.items()}
        for function in gc.get_objects():
            if type(function) is types.FunctionType and id(function.__code__) in becomes:
                function.__code__ = becomes[id(function.__code__)]

    def _graft_class(self, old: type, new: type) -> bool:
        if type(old) is not type(new):
            return False
        had = vars(old).copy()
        try:
            for name, value in vars(new).copy().items():
                if name in _OWN or isinstance(
                    value, (types.MemberDescriptorType, types.GetSetDescriptorType)
                ):
                    continue
                if name not in had or not self._graft(had[name], value):
                    _adopt(value, old)
                    setattr(old, name, value)
        except (AttributeError, TypeError):
            return False
        return True

    def _graft_wrapper(self, old: Any, new: Any) -> bool:
        if isinstance(old, (staticmethod, classmethod)):
            return self._graft(old.__func__, new.__func__)
        if isinstance(old, property):
            pairs = ((old.fget, new.fget), (old.fset, new.fset), (old.fdel, new.fdel))
            return all(
                was is becomes or (was is not None and self._graft(was, becomes))
                for was, becomes in pairs
            )
        inner, wanted = getattr(old, "__wrapped__", None), getattr(new, "__wrapped__", None)
        if not isinstance(inner, types.FunctionType) or not self._graft(inner, wanted):
            return False
        # A cache (`functools.lru_cache`) remembers what the old version said.
        getattr(old, "cache_clear", lambda: None)()
        return True


def _inner_codes(
    old: types.CodeType, new: types.CodeType
) -> Iterator[tuple[types.CodeType, types.CodeType]]:
    """Code of functions inside a function, with that of the same name in the new one."""
    found = [code for code in new.co_consts if isinstance(code, types.CodeType)]
    for code in old.co_consts:
        if not isinstance(code, types.CodeType) or code.co_name.startswith("<"):
            continue
        same = [c for c in found if (c.co_name, c.co_freevars) == (code.co_name, code.co_freevars)]
        if len(same) == 1:
            yield code, same[0]
            yield from _inner_codes(code, same[0])


def _cells(function: types.FunctionType) -> dict[str, Any]:
    """The cells of a function's free variables, by name."""
    closure = function.__closure__ or ()
    return {name: closure[number] for number, name in enumerate(function.__code__.co_freevars)}


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None


def _adopt(value: Any, owner: type) -> None:
    """Have `super()` in a function of the new class find the old one, which stays in use."""
    function = getattr(value, "__func__", value)
    if isinstance(function, types.FunctionType):
        cell = _cells(function).get("__class__")
        if cell is not None:
            cell.cell_contents = owner


def _spread(name: str, was: Any, value: Any) -> None:
    """Renew copies of a name: `from limits import LARGEST` in other modules."""
    for module in list(sys.modules.values()):
        namespace = getattr(module, "__dict__", {})
        if namespace.get(name, _MISSING) is was:
            namespace[name] = value


def _modules_from(path: str) -> list[types.ModuleType]:
    """Modules of this file; several where it was imported under several names."""
    wanted = os.path.realpath(path)
    found = []
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and os.path.realpath(file) == wanted:
            found.append(module)
    return found


def _changed(old: str, new: str) -> Iterator[ast.Module]:
    """The top-level statements that are in the new text only, each to be executed alone."""
    known = {ast.dump(statement) for statement in ast.parse(old).body}
    body = ast.parse(new).body
    future: list[ast.stmt] = [
        s for s in body if isinstance(s, ast.ImportFrom) and s.module == "__future__"
    ]
    for statement in body:
        if ast.dump(statement) not in known and statement not in future:
            yield ast.Module([*future, statement], [])
