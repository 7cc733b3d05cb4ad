"""What `paramedic backtest` shows: progress, a table, or one JSON document."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from paramedic.text import counted
from paramedic_workers.backtest.campaign import Findings, Moment, Stage
from paramedic_workers.backtest.model import Likeness, Outcome
from paramedic_workers.backtest.summary import Row, Summary, summarise
from paramedic_workers.cli.screen import notes, output, table
from paramedic_workers.errors import Verdict
from paramedic_workers.settings import TargetSettings

if TYPE_CHECKING:
    from rich.console import Console

    from paramedic_workers.backtest.learning import Learned

#: Digits of a commit's id that are shown.
_ID_SHOWN = 10
_SUBJECT_SHOWN = 60


@contextmanager
def watching(name: str) -> Iterator[Callable[[Moment], None]]:
    """The callback that shows progress on stderr for as long as the block runs.

    Args:
        name: what is tested.
    """
    console = notes()
    if not console.is_terminal:
        yield lambda moment: console.print(f"paramedic: {_line(moment)}", markup=False)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeElapsedColumn as Elapsed

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Elapsed())
    with Progress(*columns, TextColumn("{task.fields[message]}"), console=console) as progress:
        bars = {stage: progress.add_task("", visible=False, message="") for stage in Stage}

        def show(moment: Moment) -> None:
            progress.update(
                bars[moment.stage],
                description=f"{name}: {moment.stage}",
                completed=moment.done,
                total=moment.of,
                message=_detail(moment),
                visible=True,
            )

        yield show


def as_document(target: TargetSettings, findings: Findings, learned: Learned | None) -> str:
    """The JSON document that `--json` prints."""
    import msgspec

    document = {
        "target": target.name,
        "revision": findings.revision,
        "summary": summarise(findings),
        "bugs": findings.bugs,
        "outcomes": findings.outcomes,
        "skipped": findings.skipped,
        "learned": learned,
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()


def show(findings: Findings, learned: Learned | None) -> None:
    """The table for a person."""
    console = output()
    summary = summarise(findings)
    if findings.outcomes:
        console.print(_outcomes(console, findings))
        console.print()
        console.print(_by_confidence(console, summary))
    else:
        console.print(_bugs(console, findings))
    console.print()
    for line in _last_lines(summary, findings):
        console.print(line, markup=False)
    if learned is not None:
        console.print(_learned(console, learned))


def _line(moment: Moment) -> str:
    # Several that are looked at side by side may be one more than were wanted.
    done = f"{moment.stage}: {min(moment.done, moment.of)} of {moment.of}"
    detail = _detail(moment)
    return f"{done}; {detail}" if detail else done


def _detail(moment: Moment) -> str:
    looked = f"{counted(moment.looked_at, 'change')} looked at" if moment.looked_at else ""
    return "; ".join(part for part in (looked, _shortened(moment.message)) if part)


def _shortened(subject: str) -> str:
    if len(subject) <= _SUBJECT_SHOWN:
        return subject
    return f"{subject[: _SUBJECT_SHOWN - 1].rstrip()}…"


def _outcomes(console: Console, findings: Findings) -> object:
    from rich.text import Text

    made = table(
        console, "commit", "verdict", "confidence", "beside people's fix", "seconds", "fix"
    )
    changes = {bug.commit: bug.change for bug in findings.bugs}
    for outcome in findings.outcomes:
        made.add_row(
            outcome.commit[:_ID_SHOWN],
            outcome.verdict,
            outcome.confidence or "",
            _beside(outcome),
            f"{outcome.seconds:.0f}",
            Text(_shortened(changes[outcome.commit].subject), style="soft"),
        )
    return made


def _beside(outcome: Outcome) -> str:
    compared = outcome.compared
    if compared is None:
        return ""
    if compared.likeness is Likeness.DIFFERENT:
        return f"different on {compared.differing} of {compared.inputs} inputs"
    if compared.likeness is Likeness.EQUIVALENT:
        return f"equivalent on {compared.inputs} inputs"
    return compared.likeness.value


def _by_confidence(console: Console, summary: Summary) -> object:
    columns = ("confidence", "patches", "healed", "proposed", *(like.value for like in Likeness))
    made = table(console, *columns, right=columns[1:])
    for row in summary.rows:
        made.add_row(*_cells(row))
    return made


def _cells(row: Row) -> list[str]:
    name = row.confidence.value if row.confidence else "all"
    counts = (row.healed, row.proposed, row.same, row.equivalent, row.different, row.unknown)
    return [name, str(row.patches), *map(str, counts)]


def _bugs(console: Console, findings: Findings) -> object:
    from rich.text import Text

    made = table(console, "commit", "failing tests", "fix", right=("failing tests",))
    for bug in findings.bugs:
        subject = Text(_shortened(bug.change.subject))
        made.add_row(bug.commit[:_ID_SHOWN], str(len(bug.failing)), subject)
    return made


def _last_lines(summary: Summary, findings: Findings) -> Iterator[str]:
    if findings.outcomes:
        abstained = sum(
            count
            for verdict, count in summary.verdicts.items()
            if verdict not in (Verdict.HEALED, Verdict.PROPOSED)
        )
        yield (
            f"{counted(summary.bugs, 'bug')}: {summary.healed_right} healed and right, "
            f"{summary.healed_wrong} healed and different from people's fix, "
            f"{summary.healed_unknown} healed and not comparable, "
            f"{summary.verdicts.get(Verdict.PROPOSED, 0)} proposed, {abstained} abstained; "
            f"a heal took {summary.seconds:.0f} s (median)."
        )
    else:
        yield f"{counted(len(findings.bugs), 'bug')} found."
    for counts, title in (
        (summary.no_bugs, "looked at and no bug"),
        (summary.could_not_run, "could not be run"),
    ):
        if counts:
            told = "; ".join(f"{number} {reason}" for reason, number in counts.items())
            yield f"{counted(sum(counts.values()), 'change')} {title}: {told}."


def _learned(console: Console, learned: Learned) -> object:
    made = table(console, "template", "seen in fixes", "factor", right=("seen in fixes", "factor"))
    for name, factor in sorted(learned.priors.items(), key=lambda item: -item[1]):
        made.add_row(name, str(learned.seen.get(name, 0)), f"{factor:.2f}")
    return made
