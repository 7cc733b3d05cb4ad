"""Which letters a command is about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from paramedic_workers.dead_letters.criteria import Criteria
from paramedic_workers.dead_letters.model import DeadLetter
from paramedic_workers.dead_letters.store import DeadLetters
from paramedic_workers.errors import RepositoryError


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What somebody asked for: letters by id, or by what they have in common."""

    #: Beginnings of ids; where there are some, the criteria do not count.
    ids: tuple[str, ...] = ()
    criteria: Criteria = field(default_factory=Criteria)


@dataclass(frozen=True, kw_only=True)
class Selected:
    """The letters that were meant."""

    #: Their ids, the oldest first.
    ids: tuple[str, ...]
    #: Why the others were left out, each reason once.
    doubts: tuple[str, ...] = ()


def letters_of(
    store: DeadLetters, selection: Selection, *, replayed: bool = False
) -> Iterator[DeadLetter]:
    """The letters of a selection, newest first; by id in the order given.

    Args:
        store: where they are.
        selection: which ones.
        replayed: of those that were replayed; an id names a letter in any case.

    Raises:
        UsageError: an id names none, or several.
    """
    if selection.ids:
        return iter([store.get(name) for name in selection.ids])
    return store.letters(selection.criteria, replayed=replayed)


def select(
    store: DeadLetters, selection: Selection, changed: Callable[[DeadLetter], bool] | None
) -> Selected:
    """The letters to work on.

    Only their ids are held: a letter may be large, and there may be thousands.

    Args:
        store: where they are.
        selection: which ones.
        changed: whether a letter's target has changed since it was kept; raises
            RepositoryError where nobody can know. None: it does not matter.

    Raises:
        UsageError: an id names no letter, or several.
    """
    limit = selection.criteria.limit
    unbounded = replace(selection, criteria=replace(selection.criteria, limit=None))
    # Dictionaries as sets that keep their order.
    ids: dict[str, None] = {}
    doubts: dict[str, None] = {}
    for letter in letters_of(store, unbounded):
        try:
            if changed is None or changed(letter):
                ids[letter.id] = None
        except RepositoryError as error:
            doubts[str(error)] = None
        if len(ids) == limit:
            break
    return Selected(ids=tuple(reversed(ids)), doubts=tuple(doubts))
