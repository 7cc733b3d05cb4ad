"""How `paramedic jira` shows what it found, on a terminal and in a pipe."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from paramedic.text import counted
from paramedic_workers.cli.screen import table
from paramedic_workers.sinks.jira.check import JiraReport, Standing
from paramedic_workers.sinks.jira.importing import ImportedTicket, ImportOutcome
from paramedic_workers.sinks.report import plain

_MARKS = {
    Standing.GOOD: ("✓", "good"),
    Standing.MISSING: ("✗", "bad"),
    Standing.NOTE: ("!", "mild"),
}
_TONES = {
    ImportOutcome.PUBLISHED: "good",
    ImportOutcome.FOUND: "cool",
    ImportOutcome.KNOWN: "soft",
    ImportOutcome.NOTHING: "mild",
}
_WORDS = {
    ImportOutcome.PUBLISHED: "published",
    ImportOutcome.FOUND: "would be published",
    ImportOutcome.KNOWN: "imported before",
    ImportOutcome.NOTHING: "without a failure that can be read",
}
#: Characters of a fingerprint that tell it from others.
_SHORT = 10


def show_report(console: Console, report: JiraReport) -> None:
    """A line for each thing that was looked at, and what to do about those that are missing."""
    console.print(Text.assemble(("● ", "brand"), report.url))
    shown = table(console, "", "of", "what", whole=("", "of"))
    for one in report.findings:
        what = Text(plain(one.what))
        if one.remedy and one.standing is not Standing.GOOD:
            what.append(f". {plain(one.remedy)}", style="cool")
        shown.add_row(Text(*_MARKS[one.standing]), Text(plain(one.subject)), what)
    console.print(shown)
    if report.missing:
        console.print(Text(f"✗ {counted(report.missing, 'thing')} missing", style="bad"))
    else:
        console.print(Text("✓ tickets can be made and kept as the settings say", style="good"))


def show_imported(console: Console, tickets: Sequence[ImportedTicket]) -> None:
    """A line for each ticket: what was found in it, and what became of that."""
    if not tickets:
        console.print("the query finds no ticket")
        return
    columns = ("ticket", "what", "target", "from", "times", "incident")
    shown = table(console, *columns, right=("times",), whole=("ticket", "what"))
    for one in tickets:
        told = (
            Text(plain(one.why), style="soft") if one.why else Text(plain(", ".join(one.sources)))
        )
        shown.add_row(
            Text(one.key, style=f"link {one.url}"),
            Text(str(one.outcome), style=_TONES[one.outcome]),
            ", ".join(one.targets) or "–",
            told,
            str(one.occurrences) if one.occurrences else "–",
            ", ".join(name[:_SHORT] for name in one.incidents) or "–",
        )
    console.print(shown)
    console.print(_sum(tickets))


def _sum(tickets: Sequence[ImportedTicket]) -> str:
    """One line over all of them: each incident once."""
    counts = {
        outcome: [one for one in tickets if one.outcome is outcome] for outcome in ImportOutcome
    }
    told = [f"{len(of)} {_WORDS[outcome]}" for outcome, of in counts.items() if of]
    incidents = {name for one in tickets for name in one.incidents}
    return (
        f"{counted(len(tickets), 'ticket')}: {', '.join(told)}; {counted(len(incidents), 'cause')}"
    )
