"""Strategies: ways to find a fix, found by the entry point group `paramedic.strategies`.

A strategy is one class with a `name` and an `attempt`, made without arguments; see
`healing.model.Strategy`, and `strategies/revert.py` for one to learn from. Another
package adds its own with

    [project.entry-points."paramedic.strategies"]
    rename = "their_package.rename:RenameStrategy"

and a target's settings name it: `strategies = ["patch", "rename"]`.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

from paramedic_workers.errors import HealerError, SettingsError
from paramedic_workers.healing.model import Strategy

#: The entry point group in which strategies are looked up.
GROUP = "paramedic.strategies"


class BrokenStrategy(HealerError):
    """A strategy is installed and cannot be loaded."""


def known_strategies() -> tuple[str, ...]:
    """The names of all installed strategies."""
    return tuple(sorted({entry.name for entry in entry_points(group=GROUP)}))


def find_strategy(name: str) -> Strategy:
    """A new strategy of that name.

    Raises:
        SettingsError: none of that name is installed.
        BrokenStrategy: it cannot be imported or made, or is no strategy.
    """
    entry = next(iter(entry_points(group=GROUP, name=name)), None)
    if entry is None:
        raise SettingsError(
            f"There is no strategy {name!r}.",
            remedy=f"Installed are: {', '.join(known_strategies()) or 'none'}.",
        )
    return _made(entry)


def _made(entry: EntryPoint) -> Strategy:
    try:
        strategy = entry.load()()
    except Exception as error:
        message = f"The strategy {entry.name!r} ({entry.value}) cannot be loaded: {error!r}."
        raise BrokenStrategy(message) from error
    if not callable(getattr(strategy, "attempt", None)):
        raise BrokenStrategy(f"The strategy {entry.name!r} ({entry.value}) has no `attempt`.")
    made: Strategy = strategy
    return made
