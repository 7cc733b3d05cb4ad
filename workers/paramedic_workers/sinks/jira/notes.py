"""The short comments about tickets themselves; what a result says is in `texts`."""

from __future__ import annotations

from paramedic_workers.sinks.jira.documents import Document, Mark, Panel, Paragraph, Text, Tone


def duplicate_note(key: str, url: str) -> Document:
    """What a ticket is told where an older one of the same incident is kept."""
    return _note(
        Tone.NOTE,
        Text("Paramedic keeps the older ticket of the same incident up to date: "),
        Text(key, href=url),
        Text(". This one is not changed any more."),
    )


def merged_note(key: str, url: str) -> Document:
    """What the ticket of a merged incident is told."""
    return _note(
        Tone.INFO,
        Text("This has the same cause as "),
        Text(key, href=url),
        Text(": one patch turns the tests of both green. Paramedic goes on there."),
    )


def stuck_note(goal: str, why: str, remedy: str) -> Document:
    """What a ticket is told that cannot be moved through its workflow.

    Args:
        goal: where it should be: `open` or `done`.
        why: one sentence.
        remedy: what a person can do, one sentence.
    """
    return _note(
        Tone.WARNING,
        Text("Paramedic would move this ticket to "),
        Text(goal, frozenset({Mark.STRONG})),
        Text(f", and cannot. {why} {remedy}"),
    )


def _note(tone: Tone, *words: Text) -> Document:
    return Document((Panel(tone, (Paragraph(words),)),))
