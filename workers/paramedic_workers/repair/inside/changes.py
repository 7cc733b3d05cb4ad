"""What was changed in a live process, so that it can be taken back."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from .swap import Swap, apply

#: Stands for the value of a name that is not there.
MISSING: Any = object()


class Changes:
    """What was changed, so that it can be taken back."""

    def __init__(self) -> None:
        """Nothing is changed yet."""
        self._back: list[Callable[[], object]] = []

    def swap(self, functions: Swap) -> None:
        """Give functions other code."""
        back = apply(functions)
        self._back.append(lambda: apply(back))

    def item(self, names: dict[str, Any], name: str, value: Any) -> None:
        """Give a module's name another value."""
        before = names.get(name, MISSING)
        self._back.append(
            lambda: names.pop(name, None) if before is MISSING else names.update({name: before})
        )
        names[name] = value

    def attribute(self, owner: Any, name: str, value: Any) -> None:
        """Give an attribute of a class or a function another value."""
        before = vars(owner).get(name, MISSING) if isinstance(owner, type) else MISSING
        if not isinstance(owner, type):
            before = getattr(owner, name)
        if before is MISSING:
            self._back.append(lambda: delattr(owner, name))
        else:
            self._back.append(lambda: setattr(owner, name, before))
        setattr(owner, name, value)

    def refill(self, container: Any, content: Any) -> None:
        """Have a container hold what another holds."""
        before = container.copy()
        self._back.append(lambda: _fill(container, before))
        _fill(container, content)

    def take_back(self) -> None:
        """Make everything as it was."""
        while self._back:
            self._back.pop()()


def _fill(container: Any, content: Any) -> None:
    container.clear()
    if isinstance(container, (list, deque)):
        container.extend(content)
    else:
        container.update(content)
