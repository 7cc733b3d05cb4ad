"""The file sink: one folder per incident, with a page for people.

    reports/
      index.html            all incidents, newest first
      <incident>/
        report.html         the result as a page, whole in itself
        result.json         the result for scripts
        fix.patch           the patch, where there is one
        heal.log            what the healer did
        jira.html           the ticket it would get, and jira.json the requests: only where
                            the sink jira makes a dry run
        history/<id>.json   earlier results of the same incident

Every file is written beside its place and then moved into it, so that a reader
never sees half of one. `result.json` comes last: it says that the rest is there.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec

from paramedic_workers.errors import DeliveryError
from paramedic_workers.results import Result, decode_result, encode_result
from paramedic_workers.settings import FileSinkSettings
from paramedic_workers.sinks.folders import locked, write_whole
from paramedic_workers.sinks.jira import dry_ticket
from paramedic_workers.sinks.report import IndexEntry, render_index, render_report

#: Incidents that the index lists, the newest: it stays a page that a browser shows at once.
INDEX_LENGTH = 500


class FileSink:
    """Keeps each incident in a folder of its own."""

    name = "file"
    settings_type = FileSinkSettings

    def __init__(self, directory: Path) -> None:
        """Keep the folders below `directory`, which is made when it is needed."""
        self.directory = directory

    @classmethod
    def open(cls, settings: FileSinkSettings, data: Path) -> FileSink:
        """The sink on the configured directory, else on `reports` in the data directory."""
        return cls(
            Path(settings.directory).expanduser() if settings.directory else data / "reports"
        )

    def deliver(self, result: Result) -> None:
        """Write the incident's folder, and the index.

        Raises:
            DeliveryError: the directory cannot be written.
        """
        try:
            folder = self.folder(result.incident)
            folder.mkdir(parents=True, exist_ok=True)
            with locked(folder):
                _keep(folder, result)
            self._write_index()
        except OSError as error:
            raise DeliveryError(
                f"the report cannot be written: {error}.",
                remedy=f"See whether {self.directory} can be written and has space left.",
            ) from error

    def forget(self, before: float) -> int:
        """Delete the folders whose last result was written before that time.

        Args:
            before: in seconds since 1970.

        Returns:
            how many those were.

        Raises:
            OSError: something cannot be deleted.
        """
        removed = 0
        for file in [file for file in _newest_files(self.directory) if _modified(file) < before]:
            with locked(file.parent):
                if _ours(file) and _modified(file) < before:
                    shutil.rmtree(file.parent)
                    removed += 1
        if removed:
            self._write_index()
        return removed

    def show_again(self, incident: str) -> None:
        """Write an incident's page again: something beside its result is in its folder now.

        Raises:
            OSError: the directory cannot be written.
        """
        folder = self.folder(incident)
        with locked(folder):
            result = _read(folder / "result.json")
            if result is None:
                return  # the page will show it when it is written
            write_whole(folder / "report.html", _page(folder, result))
        self._write_index()

    def folder(self, incident: str) -> Path:
        """The folder of an incident, whether it exists or not."""
        plain = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}", incident)
        name = incident if plain else hashlib.sha256(incident.encode()).hexdigest()[:32]
        return self.directory / name

    def _write_index(self) -> None:
        with locked(self.directory):
            write_whole(self.directory / "index.html", render_index(_entries(self.directory)))


def _keep(folder: Path, result: Result) -> None:
    history = folder / "history"
    current = _read(folder / "result.json")
    if (history / f"{_file_name(result)}.json").exists():
        return
    if current is not None and current.id != result.id:
        history.mkdir(exist_ok=True)
        older, newer = sorted((current, result), key=lambda r: r.started_at)
        write_whole(history / f"{_file_name(older)}.json", encode_result(older))
        result = newer
    _write_newest(folder, result)


def _write_newest(folder: Path, result: Result) -> None:
    patch = folder / "fix.patch"
    if result.patch:
        write_whole(patch, result.patch)
    else:
        patch.unlink(missing_ok=True)
    write_whole(folder / "heal.log", result.log)
    write_whole(folder / "report.html", _page(folder, result))
    write_whole(folder / "result.json", encode_result(result))


def _page(folder: Path, result: Result) -> str:
    ticket = dry_ticket.read_dry_ticket(folder)
    return render_report(result, _earlier(folder / "history"), ticket)


def _earlier(history: Path) -> list[Result]:
    found = (_read(file) for file in history.glob("*.json"))
    return sorted((r for r in found if r), key=lambda r: r.started_at, reverse=True)


def _file_name(result: Result) -> str:
    return hashlib.sha256(result.id.encode()).hexdigest()[:32]


def _read(file: Path) -> Result | None:
    try:
        return decode_result(file.read_bytes())
    except (FileNotFoundError, msgspec.MsgspecError, ValueError):
        return None  # what cannot be read is written anew


def _entries(directory: Path) -> list[IndexEntry]:
    files = sorted(directory.glob("*/result.json"), key=_modified, reverse=True)[:INDEX_LENGTH]
    entries = (_entry(file) for file in files)
    return sorted((e for e in entries if e), key=lambda e: e.started_at, reverse=True)


def _entry(file: Path) -> IndexEntry | None:
    try:
        entry = msgspec.json.decode(file.read_bytes(), type=IndexEntry)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None
    ticket = (file.parent / dry_ticket.PAGE).exists()
    return msgspec.structs.replace(entry, folder=file.parent.name, ticket=ticket)


def _newest_files(directory: Path) -> Iterator[Path]:
    """The file of each folder that is written last: of the result, else of a dry run's ticket."""
    yield from directory.glob("*/result.json")
    for file in directory.glob(f"[!.]*/{dry_ticket.FILE}"):
        if not (file.parent / "result.json").exists():
            yield file


def _ours(file: Path) -> bool:
    if file.name == dry_ticket.FILE:
        return dry_ticket.read_dry_ticket(file.parent) is not None
    return _entry(file) is not None


def _modified(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return 0.0
