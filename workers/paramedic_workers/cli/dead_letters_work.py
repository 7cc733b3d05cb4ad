"""Replaying and dropping many letters: with progress on a terminal, and a tally at the end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import click
import msgspec
from rich.text import Text

from paramedic.text import counted
from paramedic_workers.cli.dead_letters_posts import BrokerPosts
from paramedic_workers.cli.dead_letters_show import ID_SHOWN
from paramedic_workers.cli.dead_letters_words import ENDS, what_replay_does
from paramedic_workers.cli.screen import notes, output, table
from paramedic_workers.cli.show import words
from paramedic_workers.dead_letters.model import DeadLetter
from paramedic_workers.dead_letters.replay import Replayed, ReplayEnd, Replayer, this_person
from paramedic_workers.dead_letters.selection import Selected
from paramedic_workers.dead_letters.store import DeadLetters
from paramedic_workers.errors import UsageError
from paramedic_workers.settings import Settings
from paramedic_workers.sinks.report import plain

#: After these, there is nothing to do for anybody.
_WELL = (ReplayEnd.REPLAYED, ReplayEnd.ALREADY)


def replay_letters(
    settings: Settings,
    store: DeadLetters,
    selected: Selected,
    *,
    rate: float | None,
    dry_run: bool,
    as_json: bool,
) -> bool:
    """Replay letters, and say what came of each.

    Args:
        settings: where the broker is, and how often a letter may be replayed.
        store: where they are.
        selected: which letters, in this order.
        rate: greatest number a second; None: as fast as it goes.
        dry_run: only say what would happen.
        as_json: one JSON document instead of lines.

    Returns:
        Whether each of them was replayed, or would be.

    Raises:
        BrokerError: the broker does not answer; what was not replayed is in the list still.
        UsageError: no broker is configured.
    """
    replayer = Replayer(
        client=store.client,
        posts=BrokerPosts(settings),
        limit=settings.replay_limit,
        by=this_person(),
    )
    if dry_run:
        return _show_plan(store, replayer, selected, as_json)
    done: list[Replayed] = []
    try:
        for letter_id in _paced(_with_progress(selected.ids, "replaying"), rate):
            done.append(_replay_one(store, replayer, letter_id))
    except KeyboardInterrupt:
        rest = len(selected.ids) - len(done)
        click.echo(f"paramedic: {_tally(done)}; {rest} not yet: run it again", err=True)
        raise
    if as_json:
        _print_json({"dry_run": False, "replays": done, "left_out": selected.doubts})
    else:
        _tell(done)
    return all(one.end in _WELL for one in done)


def drop_letters(store: DeadLetters, selected: Selected, *, dry_run: bool, as_json: bool) -> None:
    """Delete letters for good, and say how many they were.

    Args:
        store: where they are.
        selected: which letters.
        dry_run: only say which they are.
        as_json: one JSON document instead of lines.
    """
    if dry_run:
        dropped = list(selected.ids)
    else:
        dropped = [one for one in _with_progress(selected.ids, "dropping") if store.drop(one)]
    if as_json:
        content = {"dry_run": dry_run, "dropped": dropped, "left_out": selected.doubts}
        _print_json(content)
        return
    if dry_run:
        _show_letters(_read(store, dropped), {})
    said = "would be dropped" if dry_run else "dropped"
    click.echo(f"{counted(len(dropped), 'dead letter')} {said}")


def _replay_one(store: DeadLetters, replayer: Replayer, letter_id: str) -> Replayed:
    letter = _letter(store, letter_id)
    if letter is None:
        return Replayed(letter=letter_id, end=ReplayEnd.GONE)
    return replayer.replay(letter)


def _letter(store: DeadLetters, letter_id: str) -> DeadLetter | None:
    try:
        return store.get(letter_id)
    except UsageError:  # somebody has dropped it meanwhile
        return None


def _read(store: DeadLetters, ids: Iterable[str]) -> Iterator[DeadLetter]:
    for letter_id in ids:
        letter = _letter(store, letter_id)
        if letter is not None:
            yield letter


def _show_plan(store: DeadLetters, replayer: Replayer, selected: Selected, as_json: bool) -> bool:
    letters = list(_read(store, selected.ids))
    ends = {letter.id: replayer.foresee(letter) for letter in letters}
    if as_json:
        plan = [{"letter": name, "end": end} for name, end in ends.items()]
        _print_json({"dry_run": True, "replays": plan, "left_out": selected.doubts})
    else:
        _show_letters(letters, ends)
        would = sum(end is ReplayEnd.REPLAYED for end in ends.values())
        click.echo(f"{counted(would, 'dead letter')} would be replayed")
    return all(end in _WELL for end in ends.values())


def _show_letters(letters: Iterable[DeadLetter], ends: Mapping[str, ReplayEnd]) -> None:
    """Which letters are meant, and what would come of each."""
    console = output()
    shown = table(console, "letter", "reason", "error", "what would happen", whole=("letter",))
    for letter in letters:
        end = ends.get(letter.id)
        what = "it is deleted" if end is None else ENDS[end]
        if end is ReplayEnd.REPLAYED:
            what = what_replay_does(letter)
        kind = plain(letter.error_type.rpartition(".")[2])
        shown.add_row(letter.id[:ID_SHOWN], words(letter.reason), Text(kind), Text(plain(what)))
    if shown.row_count:
        console.print(shown)


def _tell(done: list[Replayed]) -> None:
    """A line for each letter that was not simply replayed, and the tally."""
    for one in done:
        if one.end is not ReplayEnd.REPLAYED:
            click.echo(f"{one.letter[:ID_SHOWN]} {ENDS[one.end]}")
    click.echo(_tally(done))


def _tally(done: list[Replayed]) -> str:
    counts = Counter(one.end for one in done)
    replayed = counts.pop(ReplayEnd.REPLAYED, 0)
    others = [f"{number} {end.replace('_', ' ')}" for end, number in counts.items()]
    return ", ".join([f"{counted(replayed, 'dead letter')} replayed", *others])


def _paced(ids: Iterable[str], rate: float | None) -> Iterator[str]:
    """The same ids, at most `rate` a second."""
    due = time.monotonic()
    for letter_id in ids:
        if rate is not None:
            time.sleep(max(0.0, due - time.monotonic()))
            due = max(due, time.monotonic()) + 1 / rate
        yield letter_id


def _with_progress(ids: tuple[str, ...], doing: str) -> Iterator[str]:
    """The same ids; on a terminal a bar shows how many are done."""
    console = notes()
    if not console.is_terminal or len(ids) < 2:
        yield from ids
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(f"[brand]{doing}[/]", *columns, console=console, transient=True) as progress:
        yield from progress.track(ids, total=len(ids))


def _print_json(content: object) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(content), indent=2).decode())
