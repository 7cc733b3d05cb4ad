"""Values that variables held in failing tests: what tells useful expressions from useless."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from paramedic_workers.repair.messages import TraceSeen

#: Samples that are kept of each line, over all failing tests.
_SAMPLES = 12


@dataclass
class ValuesSeen:
    """Small samples of the variables, before each line that failing tests run."""

    _rows: dict[tuple[str, int], list[dict[str, str]]] = field(default_factory=dict)
    _read: dict[tuple[str, int], list[dict[str, object]]] = field(default_factory=dict)

    def learn(self, trace: TraceSeen) -> None:
        """Add what a traced run has shown."""
        for seen in trace.values:
            rows = self._rows.setdefault((seen.file, seen.line), [])
            rows += [row for row in seen.rows if row not in rows][: _SAMPLES - len(rows)]
            self._read.pop((seen.file, seen.line), None)

    def at(self, file: str, line: int) -> list[dict[str, object]]:
        """What the variables held on some visits of a line, before it was run.

        Keys are names, and `name.attribute` for what objects hold; a value that is not a
        small number, text, None, or a small container of these has no key. The values are
        shared: do not change them.

        Args:
            file: absolute path.
            line: the first line of a statement.
        """
        place = (file, line)
        if place not in self._read:
            rows = self._rows.get(place, ())
            read = [{name: _value(text) for name, text in row.items()} for row in rows]
            self._read[place] = read
        return self._read[place]

    def lines_of(self, file: str) -> list[int]:
        """Lines of a file of which there are samples, in order."""
        return sorted(line for name, line in self._rows if name == file)


def _value(text: str) -> object:
    """The value of a literal from the target's process; nothing there is believed blindly."""
    try:
        value: object = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    return value
