"""How a result looks: whole and plain in a pipe, coloured and within bounds on a terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from paramedic_workers.cli.screen import THEME, console_on
from paramedic_workers.cli.show import result_section
from paramedic_workers.errors import Phase, Verdict
from paramedic_workers.results import Cause
from paramedic_workers.sinks.console import describe_result
from paramedic_workers.sinks.report import render_report
from tests.support.results import PATCH, make_result, make_unhealed


def piped(**changes: object) -> str:
    stream = io.StringIO()
    console = console_on(stream)
    console.print(result_section(console, make_result(**changes), "git apply fix.patch"))
    return stream.getvalue()


def test_a_pipe_gets_everything_without_colours_and_without_wrapping() -> None:
    reason = "a reason that goes on and on " * 20
    text = piped(reasons=(reason.strip(),))
    assert "\x1b" not in text
    assert reason.strip() in text
    for part in ("healed", "in place of", "AssertionError", "42", "Proof", "1 passed", "high"):
        assert part in text


def test_why_a_patch_is_on_no_branch_is_said() -> None:
    why = "shop has had its 20 branches of this hour"
    assert why in piped(branch=None, unpublished=why)
    assert why in render_report(make_result(branch=None, unpublished=why))
    assert why in describe_result(make_result(branch=None, unpublished=why))


def test_the_diff_in_a_pipe_is_the_diff() -> None:
    lines = piped().split("\n")
    shown = [line[2:].rstrip() for line in lines]
    assert [line.rstrip() for line in PATCH.strip().split("\n")] == shown[
        shown.index("--- a/shop/prices.py") :
    ][: PATCH.count("\n")]


def test_escape_sequences_and_markup_of_the_target_are_not_obeyed() -> None:
    text = piped(summary="[bold]x[/nonsense]", reasons=("\x1b[2Jgone", "[red]"))
    assert "[bold]x[/nonsense]" in text
    assert "[red]" in text
    assert "\x1b" not in text


def test_a_long_list_of_tests_is_cut_with_a_count() -> None:
    text = piped(failing_tests=tuple(f"tests/test_x.py::test_{n}" for n in range(30)))
    assert "tests/test_x.py::test_11" in text
    assert "tests/test_x.py::test_12" not in text
    assert "and 18 more" in text


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_terminal_of_any_width_gets_lines_that_fit(width: int, verdict: Verdict) -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=width, theme=THEME, no_color=True)
    make = make_result if verdict in (Verdict.HEALED, Verdict.PROPOSED) else make_unhealed
    console.print(result_section(console, make(verdict=verdict), "git apply fix.patch"))
    rendered = Console(width=width, force_terminal=False, file=io.StringIO())
    assert all(rendered.measure(line).minimum <= width for line in stream.getvalue().split("\n"))
    assert verdict.replace("_", " ") in stream.getvalue()


def test_what_a_person_is_to_do_about_the_environment_is_shown_below_the_traceback() -> None:
    cause = Cause(
        phase=Phase.REPRODUCE,
        type="ModuleNotFoundError",
        message="The module x is missing.\nDeclare it.",
        traceback="E   ModuleNotFoundError",
    )
    stream = io.StringIO()
    result = make_unhealed(verdict=Verdict.ENVIRONMENT, cause=cause)
    console_on(stream).print(result_section(console_on(stream), result, ""))
    lines = [line.strip() for line in stream.getvalue().splitlines()]
    assert lines.index("Declare it.") > lines.index("E   ModuleNotFoundError")
