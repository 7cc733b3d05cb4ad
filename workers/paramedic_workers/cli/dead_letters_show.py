"""How dead letters look on a terminal, in a pipe, and as JSON."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from paramedic.redaction import without_password
from paramedic.text import counted, one_line
from paramedic_workers.cli.dead_letters_words import TONES, what_next
from paramedic_workers.cli.screen import output, table
from paramedic_workers.cli.show import words
from paramedic_workers.dead_letters.model import DeadLetter, LetterState, Original
from paramedic_workers.dead_letters.store import NEARLY_FULL, DeadLetters
from paramedic_workers.errors import UsageError
from paramedic_workers.settings import Settings
from paramedic_workers.sinks.report import plain

#: Digits of a letter's id that are shown: enough to name it on the command line.
ID_SHOWN = 10
#: Characters of an error in the list; `show` has all of it.
_ERROR_SHOWN = 300
#: Lines of a message that a terminal shows; a pipe gets all of them.
_LINES_SHOWN = 60
#: Bytes that are shown of a message that is no text.
_BYTES_SHOWN = 256
_BYTES_A_LINE = 16
_WRAP = 96


def show_list(
    store: DeadLetters, letters: list[DeadLetter], settings: Settings, *, replayed: bool
) -> None:
    """Show letters as a table, and how many there are in all."""
    console = output()
    if letters:
        console.print(_table(console, letters, settings.replay_limit))
    else:
        console.print("no replayed dead letters" if replayed else "no dead letters")
    if not replayed:
        _tell_bounds(store, len(letters))


def _table(console: Console, letters: Iterable[DeadLetter], limit: int) -> Table:
    columns = ("letter", "kept", "reason", "from", "replays", "error")
    whole = ("letter", "kept", "reason", "replays")
    shown = table(console, *columns, whole=whole, right=("replays",))
    for letter in letters:
        # The module of an error stands in `show`; here it would push its message out.
        kind = letter.error_type.rpartition(".")[2]
        error = one_line(plain(_safe(f"{kind}: {letter.message}")), _ERROR_SHOWN)
        shown.add_row(
            Text(letter.id[:ID_SHOWN], style="soft"),
            # A terminal has no room for more; `show` has it.
            Text(f"{letter.at:%m-%d %H:%M}" if console.is_terminal else letter.at.isoformat()),
            Text(words(letter.reason), style=TONES[letter.reason]),
            Text(plain(_origin(letter))),
            Text(_replays_made(letter, limit)),
            # The one column that is cut where the terminal is narrow.
            Text(error, no_wrap=True, overflow="ellipsis"),
        )
    return shown


def _replays_made(letter: DeadLetter, limit: int) -> str:
    if not letter.replays:
        return ""
    begun = ", begun" if letter.state is LetterState.REPLAYING else ""
    return f"{len(letter.replays)}/{limit}{begun}"


def _origin(letter: DeadLetter) -> str:
    """Where a letter comes from, as short as it is clear."""
    place = letter.sink or letter.queue.removeprefix("paramedic.") or "?"
    return f"{letter.target} → {place}" if letter.target else place


def _tell_bounds(store: DeadLetters, shown: int) -> None:
    """How many letters there are, by reason, and how near the bound; on stderr."""
    number = store.count()
    if number > shown:
        reasons = ", ".join(f"{count:,} {words(name)}" for name, count in store.counts().items())
        click.echo(f"{counted(number, 'dead letter')} in all: {reasons}", err=True)
    if number >= store.limit * NEARLY_FULL:
        click.echo(f"at {store.limit:,} the oldest are discarded", err=True)
    if discarded := store.discarded():
        told = counted(discarded, "dead letter was", "dead letters were")
        click.echo(f"{told} discarded so far, at a bound", err=True)


def show_letter(letter: DeadLetter, settings: Settings) -> None:
    """Show everything that is known of one letter."""
    console = output()
    for part in _parts(console, letter, settings):
        console.print(part)


def _parts(console: Console, letter: DeadLetter, settings: Settings) -> Iterator[RenderableType]:
    label = Text(f" {words(letter.reason)} ", style=f"badge.{TONES[letter.reason]}")
    state = "" if letter.state is LetterState.DEAD else f"  {letter.state}"
    yield Text.assemble(label, (f" {letter.id}", "bold"), (state, "good"))
    yield _facts(letter)
    yield from _titled("What went wrong", Text(plain(_safe(letter.message)), style="bold"))
    if letter.traceback:
        yield from _titled("Traceback", Text(plain(_safe(letter.traceback)).rstrip()))
    if letter.attempts:
        yield from _titled("Attempts", _attempts(console, letter))
    yield from _titled("The message", _original(console, letter))
    if letter.replays:
        yield from _titled("Replays", _replays(console, letter, settings.replay_limit))
    advice = textwrap.fill(what_next(letter, settings.replay_limit), _WRAP)
    yield from _titled("What next", Group(Text(advice), _commands(letter)))


def _facts(letter: DeadLetter) -> RenderableType:
    return _grid(
        {
            "kept": f"{letter.at:%Y-%m-%d %H:%M:%S} UTC",
            "queue": letter.queue,
            "target": letter.target,
            "revision": letter.revision,
            "incident": letter.incident,
            "result": letter.result,
            "sink": letter.sink,
            "phase": letter.phase,
            "error": letter.error_type,
            "versions": ", ".join(f"{name} {is_}" for name, is_ in letter.versions.items()),
        }
    )


def _attempts(console: Console, letter: DeadLetter) -> RenderableType:
    shown = table(console, "when", "host", "phase", "how it ended", whole=("when",))
    for attempt in letter.attempts:
        shown.add_row(
            f"{attempt.at:%Y-%m-%d %H:%M:%S} UTC",
            Text(plain(attempt.host)),
            Text(plain(attempt.phase)),
            Text(plain(_safe(attempt.end))),
        )
    return shown


def _replays(console: Console, letter: DeadLetter, limit: int) -> RenderableType:
    shown = table(console, "when", "by")
    for one in letter.replays:
        shown.add_row(f"{one.at:%Y-%m-%d %H:%M:%S} UTC", Text(plain(one.by)))
    left = max(0, limit - len(letter.replays))
    return Group(shown, Text(f"{left} of {limit} left", style="soft"))


def _original(console: Console, letter: DeadLetter) -> RenderableType:
    original = letter.original
    facts = _grid(
        {
            "size": counted(len(original.body), "byte"),
            "type": " ".join(filter(None, (original.content_type, original.content_encoding))),
            "exchange": original.exchange,
            "key": original.routing_key,
            "headers": _one_line_json(original.headers),
            "properties": _one_line_json(original.properties),
        }
    )
    lines = readable(original)
    if console.is_terminal and len(lines) > _LINES_SHOWN:
        hidden = len(lines) - _LINES_SHOWN
        lines = lines[:_LINES_SHOWN]
        lines.append(f"… {counted(hidden, 'more line')}: show {letter.id[:ID_SHOWN]} --raw FILE")
    return Group(facts, Padding(Text("\n".join(lines)), (0, 0, 0, 2)))


def readable(original: Original) -> list[str]:
    """The body in lines for a person: JSON, else text, else the first bytes as numbers."""
    try:
        text = original.body.decode("utf-8")
    except UnicodeDecodeError:
        return _hex_lines(original.body)
    with suppress(ValueError, RecursionError):  # what is no JSON is shown as it is
        text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    text = text.encode("utf-8", "backslashreplace").decode()
    return plain(_safe(text)).split("\n")


def _hex_lines(body: bytes) -> list[str]:
    """The first bytes, sixteen a line, with the characters that they would be."""
    head = body[:_BYTES_SHOWN]
    lines = []
    for start in range(0, len(head), _BYTES_A_LINE):
        row = head[start : start + _BYTES_A_LINE]
        letters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        lines.append(f"{start:06x}  {row.hex(' '):<{3 * _BYTES_A_LINE - 1}}  {letters}")
    if len(body) > len(head):
        lines.append(f"… {counted(len(body) - len(head), 'more byte')}")
    return lines


def _commands(letter: DeadLetter) -> RenderableType:
    name = letter.id[:ID_SHOWN]
    lines = [f"paramedic dead-letters drop {name}"]
    if letter.state is not LetterState.REPLAYED:
        lines.insert(0, f"paramedic dead-letters replay {name}")
    if letter.incident:
        lines.append(f"paramedic incidents {letter.incident[:ID_SHOWN]}")
    return Text("\n".join(lines), style="cool")


def _titled(title: str, content: RenderableType) -> Iterator[RenderableType]:
    yield Text()
    yield Text(title, style="brand")
    yield Padding(content, (0, 0, 0, 2))


def _grid(facts: Mapping[str, str]) -> Table:
    grid = Table.grid(padding=(0, 2))
    for name, value in facts.items():
        if value:
            grid.add_row(Text(name, style="soft"), Text(one_line(plain(_safe(value)), 4_000)))
    return grid


def _one_line_json(values: Mapping[str, Any]) -> str:
    return json.dumps(dict(values), default=str, ensure_ascii=True) if values else ""


def _safe(text: str) -> str:
    """The text without the passwords of URLs in it."""
    return without_password(text)


def print_summaries(letters: Iterable[DeadLetter]) -> None:
    """Print letters as JSON, with the size of each message in place of the message."""
    _print_json([summary(letter) for letter in letters])


def summary(letter: DeadLetter) -> dict[str, Any]:
    """A letter without its message."""
    content: dict[str, Any] = msgspec.to_builtins(letter)
    original = content.pop("original")
    content["original"] = {
        "size": len(letter.original.body),
        "content_type": original["content_type"],
    }
    return _redacted(content)


def print_whole(letter: DeadLetter) -> None:
    """Print one letter as JSON; the body is base64, and also text where it is text."""
    content: dict[str, Any] = msgspec.to_builtins(letter)
    try:
        content["original"]["text"] = letter.original.body.decode("utf-8")
    except UnicodeDecodeError:
        content["original"]["text"] = None
    _print_json(_redacted(content))


def _redacted(content: dict[str, Any]) -> dict[str, Any]:
    """What Paramedic itself wrote, without passwords; the message stays as its sender wrote it."""
    for name in ("message", "traceback"):
        content[name] = _safe(content[name])
    return content


def write_raw(letter: DeadLetter, file: Path) -> None:
    """Write the bytes of the original message.

    Args:
        letter: whose message it is.
        file: a new file, readable by its owner alone; `-` is stdout.

    Raises:
        UsageError: the file is there already, or cannot be written.
    """
    if str(file) == "-":
        sys.stdout.buffer.write(letter.original.body)
        return
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as stream:  # noqa: PTH123 - a descriptor, for its mode
            stream.write(letter.original.body)
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}.") from error
    click.echo(f"{file}: {counted(len(letter.original.body), 'byte')}")


def _print_json(content: object) -> None:
    click.echo(json.dumps(content, indent=2))
