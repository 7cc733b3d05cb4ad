"""The file sink: one folder per incident, with a page for people.

    reports/
      index.html            all incidents, newest first
      <incident>/
        report.html         the result as a page, whole in itself
        result.json         the result for scripts
        fix.patch           the patch, where there is one
        heal.log            what the healer did
        history/<id>.json   earlier results of the same incident

Every file is written beside its place and then moved into it, so that a reader
never sees half of one. `result.json` comes last: it says that the rest is there.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from paramedic_workers.errors import DeliveryError
from paramedic_workers.results import Result, decode_result, encode_result
from paramedic_workers.settings import FileSinkSettings
from paramedic_workers.sinks.report import IndexEntry, render_index, render_report

#: Incidents that the index lists, the newest: it stays a page that a browser shows at once.
INDEX_LENGTH = 500
#: How the names of files begin that are not yet whole.
_DRAFT = ".new-"


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
            with _locked(folder):
                _keep(folder, result)
            with _locked(self.directory):
                _write(self.directory / "index.html", render_index(_entries(self.directory)))
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
        old = [f for f in self.directory.glob("*/result.json") if _modified(f) < before]
        removed = 0
        for file in old:
            with _locked(file.parent):
                if _entry(file) is not None and _modified(file) < before:
                    shutil.rmtree(file.parent)
                    removed += 1
        if removed:
            with _locked(self.directory):
                _write(self.directory / "index.html", render_index(_entries(self.directory)))
        return removed

    def folder(self, incident: str) -> Path:
        """The folder of an incident, whether it exists or not."""
        plain = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}", incident)
        name = incident if plain else hashlib.sha256(incident.encode()).hexdigest()[:32]
        return self.directory / name


def _keep(folder: Path, result: Result) -> None:
    history = folder / "history"
    current = _read(folder / "result.json")
    if (history / f"{_file_name(result)}.json").exists():
        return
    if current is not None and current.id != result.id:
        history.mkdir(exist_ok=True)
        older, newer = sorted((current, result), key=lambda r: r.started_at)
        _write(history / f"{_file_name(older)}.json", encode_result(older))
        result = newer
    _write_newest(folder, result)


def _write_newest(folder: Path, result: Result) -> None:
    patch = folder / "fix.patch"
    if result.patch:
        _write(patch, result.patch)
    else:
        patch.unlink(missing_ok=True)
    _write(folder / "heal.log", result.log)
    _write(folder / "report.html", render_report(result, _earlier(folder / "history")))
    _write(folder / "result.json", encode_result(result))


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
    return msgspec.structs.replace(entry, folder=file.parent.name)


def _modified(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _write(file: Path, content: str | bytes) -> None:
    data = content.encode("utf-8", "replace") if isinstance(content, str) else content
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=_DRAFT)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    # The directory itself is the lock: it ends with its holder, and no lock file stays behind.
    handle = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        # Whoever wrote these was killed: nobody else writes here now.
        for stray in (*directory.glob(f"{_DRAFT}*"), *directory.glob(f"history/{_DRAFT}*")):
            stray.unlink(missing_ok=True)
        yield
    finally:
        os.close(handle)
