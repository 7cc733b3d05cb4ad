"""`paramedic emit`: publishes failure events from the command line.

1. the events are made of a test's name, a JUnit XML file or JSON;
2. each is checked against the contract before anything is sent;
3. the publisher sends them, as in any service.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from paramedic.text import counted
from paramedic_workers.errors import BrokerError, UsageError

if TYPE_CHECKING:
    from paramedic import FailureEvent

#: Seconds to wait until the broker has taken everything.
FLUSH_TIMEOUT = 30.0
#: The exception type of a test that somebody names without saying how it fails.
UNSEEN_FAILURE = "TestFailure"


@dataclass(frozen=True, kw_only=True)
class Occasion:
    """What all events of one command have in common."""

    target: str
    revision: str | None
    message: str
    count: int


@click.command(
    epilog="""\b
Examples:
  paramedic emit --target shop --test tests/test_cart.py::test_total
  paramedic emit --target shop --junit report.xml --rev "$(git rev-parse HEAD)"
  paramedic emit --target shop --event event.json
  generate-events | paramedic emit --target shop --event -

\b
An event is a JSON object; docs/wire.md lists its members. `version`, `id`, `target`
and `occurred_at` are filled in where they are missing. A file may hold one object,
a list of them, or one a line.
"""
)
@click.option(
    "--target",
    required=True,
    metavar="NAME",
    help="The configured codebase the failures belong to.",
)
@click.option("--test", "tests", multiple=True, metavar="NODEID", help="A failing test.")
@click.option(
    "--junit",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The failing tests of a JUnit XML file.",
)
@click.option(
    "--event", "events", multiple=True, metavar="FILE", help="Events as JSON; - is stdin."
)
@click.option(
    "--rev", "revision", metavar="REV", help="The commit at which it fails (default: main branch)."
)
@click.option("--message", default="", metavar="TEXT", help="What went wrong, for --test.")
@click.option(
    "--count",
    type=click.IntRange(min=1, max=1_000_000_000),
    default=1,
    show_default=True,
    help="How often each of them happened.",
)
def command(
    *,
    target: str,
    tests: tuple[str, ...],
    junit: tuple[Path, ...],
    events: tuple[str, ...],
    revision: str | None,
    message: str,
    count: int,
) -> None:
    """Publish failure events: failing tests by name, from JUnit XML, or from JSON.

    Give one of --test, --junit and --event, or several; each as often as you like.
    """
    if not (tests or junit or events):
        raise UsageError("nothing to publish.", remedy="Give --test, --junit or --event.")
    _check_target(target)
    occasion = Occasion(target=target, revision=revision, message=message, count=count)
    found = [_event_of_test(test, occasion) for test in tests]
    for file in junit:
        found += _events_of_junit(file, occasion)
    for name in events:
        found += _events_of_json(name, occasion)
    if not found:
        click.echo("no failing test in there: nothing was published")
        return
    click.echo(publish(target, found))


def _check_target(name: str) -> None:
    from paramedic.event import TargetName

    try:
        msgspec.convert(name, TargetName)
    except msgspec.ValidationError as error:
        raise UsageError(
            f"--target {name!r} is no name of a target.",
            remedy="It has letters, digits, `-` and `_`, at most 64, the first a letter or digit.",
        ) from error


def publish(target: str, events: Sequence[FailureEvent]) -> str:
    """Send the events; says in one line how many went where.

    Raises:
        UsageError: there is no broker.
        BrokerError: it does not take them; they are kept on disk then.
    """
    from paramedic import Publisher
    from paramedic_workers import settings_file
    from paramedic_workers.connections import broker_url, without_password

    # What becomes of the events is said below, in one line.
    logging.getLogger("paramedic").setLevel(logging.CRITICAL)
    settings = settings_file.load()
    if settings.targets and target not in settings.targets:
        known = ", ".join(sorted(settings.targets))
        click.echo(
            f"paramedic: the settings here have no target {target!r}, only {known}: "
            "workers with the same settings refuse it.",
            err=True,
        )
    url = broker_url(settings)
    place = without_password(url)
    publisher = Publisher(target, broker_url=url)
    publisher.report(*events)
    arrived = publisher.close(FLUSH_TIMEOUT)
    counts = publisher.counts
    if arrived and not counts.dropped:
        causes = counted(len(events), "event")
        if counts.published > len(events):
            causes += f" ({counted(counts.published, 'occurrence')})"
        return f"published {causes} for {target} to {place}"
    raise BrokerError(
        f"The broker at {place} has not taken everything: {counts.spooled:,} kept on disk, "
        f"{counts.dropped:,} dropped.",
        remedy="What is on disk goes out when something is next published from here.",
    )


def _event_of_test(test: str, occasion: Occasion) -> FailureEvent:
    members = {
        "test": test,
        "exception_type": UNSEEN_FAILURE,
        "message": occasion.message or "reported by hand",
    }
    return _checked(members, occasion, "--test")


def _events_of_junit(file: Path, occasion: Occasion) -> list[FailureEvent]:
    from paramedic.integrations.junit import events_from_junit

    try:
        found = events_from_junit(file, occasion.target, occasion.revision)
    except (OSError, ValueError) as error:
        raise UsageError(f"--junit {file}: {_reason(error)}.") from error
    return [msgspec.structs.replace(e, count=e.count * occasion.count) for e in found]


def _events_of_json(name: str, occasion: Occasion) -> list[FailureEvent]:
    label = f"--event {name}"
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise UsageError(f"{label}: {_reason(error)}.") from error
    if not data.strip():
        raise UsageError(f"{label}: is empty.", remedy="Give it at least one event.")
    documents = _documents(data, label)
    many = len(documents) > 1
    return [
        _checked(document, occasion, f"{label}, event {number}" if many else label)
        for number, document in enumerate(documents, start=1)
    ]


def _documents(data: bytes, label: str) -> list[Any]:
    try:
        whole = msgspec.json.decode(data)
    except (msgspec.MsgspecError, UnicodeError) as error:
        lines = [line for line in data.splitlines() if line.strip()]
        if len(lines) < 2:
            raise UsageError(f"{label}: is no JSON: {_reason(error)}.") from error
        return [_line(line, number, label) for number, line in enumerate(lines, start=1)]
    return whole if isinstance(whole, list) else [whole]


def _line(line: bytes, number: int, label: str) -> Any:
    try:
        return msgspec.json.decode(line)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise UsageError(f"{label}, event {number}: is no JSON: {_reason(error)}.") from error


def _checked(members: object, occasion: Occasion, label: str) -> FailureEvent:
    """The event that these members make, with what the command line adds.

    Raises:
        UsageError: it breaks the contract; names the member.
    """
    from paramedic.event import WIRE_VERSION, InvalidEvent, decode_event, new_event_id, now

    if not isinstance(members, dict):
        raise UsageError(f"{label}: is no JSON object.")
    given: dict[str, Any] = {
        "version": WIRE_VERSION,
        "id": new_event_id(),
        "target": occasion.target,
        "occurred_at": now().isoformat(),
        "producer": "paramedic emit",
        **members,
    }
    if occasion.revision is not None:
        given["revision"] = occasion.revision
    if given["target"] != occasion.target:
        raise UsageError(f"{label}: is of target {given['target']!r}, not {occasion.target!r}.")
    try:
        event = decode_event(given)
    except InvalidEvent as error:
        raise UsageError(f"{label}: {error}.") from error
    return msgspec.structs.replace(event, count=event.count * occasion.count)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return (error.strerror or type(error).__name__).lower()
    return str(error).removeprefix("JSON is malformed: ").rstrip(".") or type(error).__name__
