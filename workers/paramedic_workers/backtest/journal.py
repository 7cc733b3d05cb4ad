"""What a backtest has found so far: one line for each change and each outcome, kept on disk.

A line is written once its work is done, so an interrupted backtest loses what it was at
and nothing else. A last line that was cut off is passed over. What broke here says nothing
about the change: the next backtest tries it again.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from paramedic_workers.backtest.model import Bug, Line, Outcome, Reason, Skipped
from paramedic_workers.errors import UsageError, Verdict
from paramedic_workers.healing.locks import FileLock

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Line)


class Journal:
    """The lines of one repository's backtest."""

    def __init__(self, file: Path) -> None:
        """Read what is there; use `open_journal`."""
        self._file = file
        self.examined: dict[str, Bug | Skipped] = {}
        #: By commit and seconds of the search.
        self.outcomes: dict[tuple[str, float], Outcome] = {}
        for line in _lines(file):
            if not _says_nothing(line):
                self._take(line)
        #: What ends a line that was cut off, before the first one that is added.
        self._ending = b"\n" if _is_cut_off(file) else b""

    def add(self, line: Line) -> None:
        """Keep a line, on disk before this returns."""
        self._take(line)
        with self._file.open("ab") as stream:
            stream.write(self._ending + _ENCODER.encode(line) + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
        self._ending = b""

    def bugs(self) -> list[Bug]:
        """The bugs, the newest first."""
        found = [line for line in self.examined.values() if isinstance(line, Bug)]
        return sorted(found, key=lambda bug: -bug.change.committed_at)

    def skipped(self) -> list[Skipped]:
        """The changes that are no bugs, in the order in which they were looked at."""
        return [line for line in self.examined.values() if isinstance(line, Skipped)]

    def forget_outcomes(self) -> None:
        """Keep what was found in the history alone."""
        self.outcomes.clear()
        self._write(self.examined.values())

    def forget(self) -> None:
        """Begin anew."""
        self.examined.clear()
        self.outcomes.clear()
        self._write(())

    def _take(self, line: Line) -> None:
        if isinstance(line, Outcome):
            self.outcomes[line.commit, line.budget] = line
        else:
            self.examined[line.commit] = line

    def _write(self, lines: Iterable[Line]) -> None:
        fresh = self._file.with_suffix(".new")
        fresh.write_bytes(b"".join(_ENCODER.encode(line) + b"\n" for line in lines))
        fresh.replace(self._file)
        self._ending = b""


@contextmanager
def open_journal(folder: Path) -> Iterator[Journal]:
    """The journal in a folder, which only one backtest can have at a time.

    Raises:
        UsageError: another has it.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = FileLock.take_if_free(folder / "journal.lock")
    if lock is None:
        raise UsageError(
            "another backtest of this repository is running.", remedy="Wait for it, or end it."
        )
    try:
        yield Journal(folder / "journal.jsonl")
    finally:
        lock.release()


def _says_nothing(line: Line) -> bool:
    if isinstance(line, Outcome):
        return line.verdict is Verdict.FAILED
    return isinstance(line, Skipped) and line.reason is Reason.BROKE


def _is_cut_off(file: Path) -> bool:
    return file.is_file() and file.read_bytes()[-1:] not in (b"", b"\n")


def _lines(file: Path) -> Iterator[Line]:
    if not file.is_file():
        return
    for line in file.read_bytes().splitlines():
        try:
            yield _DECODER.decode(line)
        except msgspec.DecodeError:
            continue
