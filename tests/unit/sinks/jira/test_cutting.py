"""Cutting: what is too long keeps its ends, and says what is missing and where all of it is."""

from __future__ import annotations

import pytest

from paramedic_workers.sinks.jira.cutting import LIMIT, cut_middle, fit, written_length
from paramedic_workers.sinks.jira.documents import (
    Block,
    BulletList,
    CodeBlock,
    Document,
    Panel,
    Paragraph,
    Table,
    Text,
    Tone,
)

LONG = "\n".join(f"line {number} {{}}[]|\\ 🎉" for number in range(20_000))


def test_the_ends_stay_and_the_line_between_counts_right() -> None:
    cut = cut_middle(LONG, 2_000, "heal.log")
    head, line, tail = cut.partition("\n… ")[0], cut.split("… ")[1], cut.rpartition(" …\n")[2]
    assert LONG.startswith(head)
    assert LONG.endswith(tail)
    assert len(cut) <= 2_000
    missing = len(LONG) - len(head) - len(tail)
    assert line.startswith(f"{missing:,} characters are left out here; all of it is in heal.log")


def test_what_fits_is_left_alone() -> None:
    assert cut_middle("abc", 3, "heal.log") == "abc"
    document = Document((CodeBlock("a" * 4_000),))
    assert fit(document) == document


def test_a_block_has_its_own_room() -> None:
    (block,) = fit(Document((CodeBlock(LONG, room=500, whole="heal.log"),))).content
    assert isinstance(block, CodeBlock)
    assert len(block.text) <= 500


WORD = (Text("x" * 400),)


@pytest.mark.parametrize(
    "blocks",
    [
        (CodeBlock(LONG, whole="heal.log"), CodeBlock(LONG, "diff", whole="fix.patch")),
        (CodeBlock("\\" * 100_000),),
        (CodeBlock("🎉" * 100_000),),
        (Paragraph((Text(LONG),)),),
        (BulletList((Paragraph(WORD),) * 3_000),),
        (Table(((WORD, WORD),) * 3_000),),
        (Panel(Tone.INFO, (Paragraph(WORD),) * 3_000),),
        (Paragraph(WORD),) * 500,
        (CodeBlock(LONG[:50_000]), Paragraph(WORD)) * 100,
    ],
)
def test_any_text_fits_in_both_forms(blocks: tuple[Block, ...]) -> None:
    fitted = fit(Document(blocks))
    assert 0 < written_length(fitted) <= LIMIT
    assert "left out" in str(fitted) or "…" in str(fitted)
