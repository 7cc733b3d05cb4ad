"""How candidates are told to the warm process: each as an edit of units that it knows.

A unit is a function, or a definition outside of functions. It is told once, and then named
by its number.
"""

from __future__ import annotations

from collections.abc import Sequence

from paramedic_workers.repair.edits import Candidate, Function
from paramedic_workers.repair.session import Session
from paramedic_workers.repair.source import Replacement, Source
from paramedic_workers.repair.toplevel import Definition, Pieces, TopLevel

#: Seconds that the warm process may take to take note of a unit.
_PATIENCE = 5.0

#: The number of a unit; start, end and new text of each replacement in it.
Edit = tuple[int, list[tuple[int, int, str]]]


class Units:
    """The units that the warm process of one session was told."""

    def __init__(self, session: Session) -> None:
        """None yet."""
        self._session = session
        self._numbers: dict[Function | Definition, int] = {}
        self._top_levels: dict[Source, TopLevel] = {}

    def message(self, candidate: Candidate) -> object:
        """A candidate in a request; its units are told first.

        Raises:
            WarmProcessLost: the warm process died.
        """
        function = candidate.function
        if function is not None:
            return self._edit(function, candidate.parts)
        pieces = self.pieces(candidate)
        assert pieces is not None
        path = str(candidate.source.path)
        return {
            "edits": [self._edit(holder, parts) for holder, parts in pieces.held],
            "imports": [[path, text] for text in pieces.imports],
        }

    def pieces(self, candidate: Candidate) -> Pieces | None:
        """What a candidate outside of functions changes; None: only importing anew can try it."""
        source = candidate.source
        if not isinstance(source, Source):
            return None
        if source not in self._top_levels:
            self._top_levels[source] = TopLevel(source)
        return self._top_levels[source].pieces(candidate)

    def tell_again(self) -> None:
        """Tell a new warm process what the last one knew.

        Raises:
            WarmProcessLost: it died.
        """
        for holder in self._numbers:
            self._tell(holder)

    def _edit(self, holder: Function | Definition, parts: Sequence[Replacement]) -> Edit:
        if holder not in self._numbers:
            self._numbers[holder] = len(self._numbers)
            self._tell(holder)
        start = holder.start
        replacements = [(p.start - start, p.end - start, p.text) for p in parts]
        return self._numbers[holder], replacements

    def _tell(self, holder: Function | Definition) -> None:
        unit = {
            "path": str(holder.source.path),
            "line": holder.line,
            "name": holder.node.name if isinstance(holder, Function) else "",
            "prefix": holder.prefix(),
            "source": holder.text(),
            "classes": holder.classes,
        }
        request = {"kind": "units", "units": [[self._numbers[holder], unit]]}
        self._session.ask(request, int, _PATIENCE)
