"""How results look on a terminal and in a pipe: badges, diffs, proofs, sections."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

from paramedic_workers.cli.screen import table
from paramedic_workers.errors import Verdict
from paramedic_workers.results import Confidence, Result
from paramedic_workers.sinks.report import duration, plain

_TONES = {
    Verdict.HEALED: "good",
    Verdict.PROPOSED: "mild",
    Verdict.FLAKY: "mild",
    Verdict.ALREADY_FIXED: "cool",
    Verdict.NOT_REPRODUCED: "cool",
    Verdict.UNHEALED: "bad",
    Verdict.ENVIRONMENT: "bad",
    Verdict.FAILED: "bad",
}
_CONFIDENCE_TONES = {Confidence.HIGH: "good", Confidence.MEDIUM: "mild", Confidence.LOW: "bad"}
#: Lines of a traceback that are shown, the last ones; and failing tests that are named.
TRACEBACK_LINES = 12
TESTS_NAMED = 12


def tone(verdict: Verdict | None) -> str:
    """The style of a verdict's colour."""
    return _TONES[verdict] if verdict is not None else "soft"


def words(name: str) -> str:
    """An enum's value for a person: `already_fixed` is `already fixed`."""
    return name.replace("_", " ")


def badge(verdict: Verdict) -> Text:
    """The verdict as a coloured label."""
    return Text(f" {words(verdict)} ", style=f"badge.{tone(verdict)}")


def confidence_text(confidence: Confidence | None) -> Text:
    """The confidence in its colour; a dash where there is none."""
    if confidence is None:
        return Text("–", style="soft")
    return Text(confidence.value, style=_CONFIDENCE_TONES[confidence])


def diff_text(patch: str) -> Text:
    """A unified diff, unchanged but for its colours."""
    text = Text()
    for line in plain(patch).rstrip("\n").split("\n"):
        text.append(line + "\n", style=_diff_style(line))
    text.right_crop(1)
    return text


def _diff_style(line: str) -> str:
    if line.startswith(("--- ", "+++ ", "diff ")):
        return "diff.name"
    styles = {"+": "diff.added", "-": "diff.removed", "@": "diff.hunk"}
    return styles.get(line[:1], "")


def result_section(console: Console, result: Result, how_to_take: RenderableType) -> Group:
    """Everything a person wants to know of one result."""
    return Group(_heading(console, result), *_paragraphs(console, result, how_to_take), Text())


def _heading(console: Console, result: Result) -> RenderableType:
    title = Text.assemble(badge(result.verdict), " ", (plain(result.summary), "bold"))
    if console.is_terminal and len(title) + 8 < console.width:
        return Rule(title, align="left", style="soft")
    return title


def _paragraphs(
    console: Console, result: Result, how_to_take: RenderableType
) -> Iterator[RenderableType]:
    yield Text()
    yield _indented(_failure(result))
    if result.attempts:
        yield from _titled("Tried", _attempts(console, result))
    if result.patch:
        yield from _titled("Patch", diff_text(result.patch))
    if result.proof:
        yield from _titled("Proof", _proof(result))
    if result.confidence is not None:
        yield from _titled("Confidence", _confidence(result))
    if result.alternatives:
        count = len(result.alternatives)
        yield from _titled("Alternatives", Text(f"{count} more in the report page"))
    if result.unpublished:
        yield from _titled("Not published", Text(result.unpublished))
    if result.patch:
        yield from _titled("Take it", how_to_take)


def _titled(title: str, body: RenderableType) -> Iterator[RenderableType]:
    yield Text()
    yield Text(title, style="brand")
    yield _indented(body)


def _indented(body: RenderableType) -> RenderableType:
    return Padding(body, (0, 0, 0, 2), expand=False)


def _failure(result: Result) -> Text:
    text = Text()
    for test in islice(result.failing_tests, TESTS_NAMED):
        text.append("✗ ", style="bad").append(plain(test) + "\n", style="bold")
    if (more := len(result.failing_tests) - TESTS_NAMED) > 0:
        text.append(f"  and {more} more\n", style="soft")
    message, tail = plain(result.cause.message).strip(), _last_lines(result.cause.traceback)
    remedy = ""
    if tail:  # it holds the rest of the message, but for what a person is to do
        message, _, rest = message.partition("\n")
        remedy = rest if result.verdict is Verdict.ENVIRONMENT else ""
    text.append(f"{result.cause.type}: ", style="bad").append(message)
    for line in tail:
        text.append(f"\n  {line}", style="bad" if line.startswith("E ") else "soft")
    if remedy:
        text.append(f"\n{remedy}", style="mild")
    return text


def _last_lines(traceback: str) -> list[str]:
    text = plain(traceback).strip("\n")
    return text.split("\n")[-TRACEBACK_LINES:] if text else []


def _attempts(console: Console, result: Result) -> RenderableType:
    shown = table(
        console, "strategy", "outcome", "candidates", "time", "what", right=("candidates", "time")
    )
    for attempt in result.attempts:
        shown.add_row(
            attempt.strategy,
            words(attempt.outcome),
            str(attempt.candidates),
            duration(attempt.seconds),
            Text(plain(attempt.detail)),
        )
    return shown


def _proof(result: Result) -> Text:
    lines = []
    for step in result.proof:
        mark = ("✓ ", "good") if step.holds else ("✗ ", "bad")
        observed = (f"  {plain(step.observation)}", "soft")
        lines.append(Text.assemble(mark, plain(step.experiment), observed))
    return Text("\n").join(lines)


def _confidence(result: Result) -> Text:
    lines = [confidence_text(result.confidence)]
    lines += [Text(f"· {plain(reason)}") for reason in result.reasons]
    return Text("\n").join(lines)
