"""Puts back what candidates change in the memory that they share.

The candidates of a batch run one after another in one process. What one of them leaves in
a module's variables, in a cache or in a mutable default would be seen by the next ones,
which would be judged by it. So the contents of these are noted before the first candidate
and put back after each: not everything, but what is found in a few steps from the names of
a module.
"""

from __future__ import annotations

import operator
import os
import sys
import types
from collections import OrderedDict, defaultdict, deque
from collections.abc import Collection, Iterable, Iterator
from itertools import chain
from typing import Any

from .places import is_source_below

#: Containers that are noted, items of one of them, steps from a module's names.
_MOST, _LARGEST, _DEPTH = 1500, 2000, 4

_MAPPINGS = (dict, OrderedDict, defaultdict)
_LISTS = (list, deque)


def modules_by_file(root: str) -> dict[str, list[types.ModuleType]]:
    """The imported modules of the files below a folder."""
    found: dict[str, list[types.ModuleType]] = {}
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if isinstance(module, types.ModuleType) and isinstance(file, str):
            path = os.path.abspath(file)  # noqa: PTH100 - many calls, no file access
            if is_source_below(root, path):
                found.setdefault(path, []).append(module)
    return found


class SharedState:
    """What some modules held at one moment."""

    def __init__(self, modules: Iterable[types.ModuleType]) -> None:
        """Note what these modules hold."""
        self._kept: list[tuple[Any, Any]] = []
        self._classes: list[tuple[type, dict[str, Any]]] = []
        self._caches: list[Any] = []
        self._seen: set[int] = set()
        self._names = ""
        for module in modules:
            self._names = module.__name__
            self._note_names(vars(module))
        self._glance = _Glance(self._kept, self._classes)

    def put_back(self) -> None:
        """Make everything hold what it held."""
        for cache in self._caches:
            cache.cache_clear()
        if self._glance.is_same():
            return
        for container, content in self._kept:
            _refill(container, content)
        for kind, attributes in self._classes:
            for name in [name for name in vars(kind) if name not in attributes]:
                delattr(kind, name)
            for name, value in attributes.items():
                if vars(kind).get(name) is not value:
                    setattr(kind, name, value)

    def _note_names(self, names: dict[str, Any]) -> None:
        self._seen.add(id(names))
        self._kept.append((names, dict(names)))
        for name, value in list(names.items()):
            if not name.startswith("__"):
                self._note(value, _DEPTH)

    def _note(self, value: Any, depth: int) -> None:
        if depth == 0 or id(value) in self._seen or len(self._kept) >= _MOST:
            return
        if type(value).__name__ == "_lru_cache_wrapper":
            self._caches.append(value)
            return
        inner = list(self._inside(value))
        if inner:
            self._seen.add(id(value))
        for part in inner:
            self._note(part, depth - 1)

    def _inside(self, value: Any) -> Iterator[Any]:
        """What a value holds; the value is noted if that can change."""
        # Not isinstance of the value: a lazy object would run foreign code to tell its class.
        kind = type(value)
        if kind in (*_MAPPINGS, *_LISTS, set):
            if len(value) <= _LARGEST:
                content = dict(value) if kind in _MAPPINGS else list(value)
                self._kept.append((value, content))
                yield None
                yield from content.values() if isinstance(content, dict) else content
        elif issubclass(kind, types.FunctionType):
            yield from value.__defaults__ or ()
            yield from (value.__kwdefaults__ or {}).values()
        elif issubclass(kind, (staticmethod, classmethod)):
            yield value.__func__
        elif issubclass(kind, type):
            if value.__module__ == self._names:
                self._classes.append((value, dict(vars(value))))
                yield from list(vars(value).values())
        elif kind.__module__ == self._names:
            yield _dictionary_of(value)


class _Glance:
    """Whether anything has changed: most candidates change nothing, and there is much to see.

    Everything is looked at by loops in C, which is ten times quicker than container by
    container.
    """

    def __init__(
        self, kept: list[tuple[Any, Any]], classes: list[tuple[type, dict[str, Any]]]
    ) -> None:
        """Note how many things there are in each container, and which."""
        sets = [(live, content) for live, content in kept if type(live) is set]
        self._sets = [(live, set(content)) for live, content in sets]
        self._views: list[Collection[Any]] = []
        held: list[Collection[Any]] = []
        for live, content in [*kept, *((vars(kind), names) for kind, names in classes)]:
            if isinstance(content, dict):
                self._views += [live.keys(), live.values()]
                held += [content.keys(), content.values()]
            elif type(live) is not set:
                self._views.append(live)
                held.append(content)
        self._sizes = list(map(len, held))
        self._held = list(chain.from_iterable(held))

    def is_same(self) -> bool:
        """Whether every container holds the same things in the same order."""
        return (
            list(map(len, self._views)) == self._sizes
            and all(map(operator.is_, chain.from_iterable(self._views), self._held))
            and all(live == content for live, content in self._sets)
        )


def _dictionary_of(value: Any) -> Any:
    try:
        return object.__getattribute__(value, "__dict__")
    except (AttributeError, TypeError):
        return None


def _refill(container: Any, content: Any) -> None:
    if isinstance(container, dict):
        views = ((container, content), (container.values(), content.values()))
        if len(container) != len(content) or not all(_same(now, before) for now, before in views):
            # First what is there, so that a reader in another thread never finds it empty.
            container.update(content)
            for key in [key for key in container if key not in content]:
                del container[key]
            if not _same(container, content):
                # The same, in another order.
                for key, value in content.items():
                    del container[key]
                    container[key] = value
    elif isinstance(container, set):
        if len(container) != len(content) or not container.issuperset(content):
            container.clear()
            container.update(content)
    elif len(container) != len(content) or not _same(container, content):
        container.clear()
        container.extend(content)


def _same(now: Iterable[Any], before: Iterable[Any]) -> bool:
    return all(one is other for one, other in zip(now, before))  # noqa: B905 - Python 3.9
