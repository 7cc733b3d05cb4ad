"""Diffs with little context change the same lines."""

from __future__ import annotations

import difflib

from hypothesis import given
from hypothesis import strategies as st

from paramedic_workers.healing.diffs import parse_diff
from paramedic_workers.healing.narrow import narrowed

LINES = st.lists(
    st.sampled_from(["a\n", "b\n", "", "\n", "-x\n", "+y\n"]).map(lambda s: s or "c\n")
)


def diff_of(before: list[str], after: list[str]) -> str:
    return "".join(difflib.unified_diff(before, after, "a/m.py", "b/m.py"))


def applied(before: list[str], diff: str) -> list[str]:
    """What a strict reader makes of a diff: every hunk exactly where it says."""
    after, at = [], 0
    lines = diff.splitlines(keepends=True)[2:]
    for line in lines:
        if line.startswith("@@"):
            start, _, count = line.split()[1].removeprefix("-").partition(",")
            first = int(start) - (count != "0")
            after += before[at:first]
            at = first
        elif line[0] in " -":
            assert before[at] == line[1:]
            at += 1
        if line[0] in " +" and not line.startswith("@@"):
            after.append(line[1:])
    return after + before[at:]


@given(LINES, LINES)
def test_the_narrowed_diff_does_the_same(before: list[str], after: list[str]) -> None:
    diff = narrowed(diff_of(before, after))
    assert (applied(before, diff) if diff else before) == after


def test_changes_that_are_two_lines_apart_do_not_share_context() -> None:
    before = [f"{n}\n" for n in range(9)]
    after = [*before[:3], "x\n", before[4], "y\n", *before[6:]]
    diff = narrowed(diff_of(before, after))
    assert diff.count("@@ -") == 1
    [change] = parse_diff(diff)
    assert change.after == ("2\n".strip(), "x", "4", "y", "6")


def test_the_mark_of_a_missing_newline_stays_with_its_line() -> None:
    diff = (
        "--- a/m.py\n+++ b/m.py\n@@ -1,3 +1,3 @@\n a\n b\n-c\n\\ No newline at end of file\n+d\n"
        "\\ No newline at end of file\n"
    )
    assert narrowed(diff) == diff.replace("@@ -1,3 +1,3 @@\n a\n", "@@ -2,2 +2,2 @@\n")
