"""Wiki text: nothing of a target is ever taken for markup."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given, settings

from paramedic_workers.sinks.jira.cleaning import clean_line
from paramedic_workers.sinks.jira.documents import (
    BulletList,
    CodeBlock,
    Document,
    Heading,
    Mark,
    Panel,
    Paragraph,
    Rule,
    Table,
    Text,
    Tone,
)
from paramedic_workers.sinks.jira.wiki import to_wiki
from tests.support.documents_of_tickets import DOCUMENTS, WORDS

#: What Jira's renderer takes a backslash away from.
ESCAPES = re.compile(r"\\([-#*_+?^~|%{}\[\]()!@])")


def write(*blocks: object) -> str:
    return to_wiki(Document(blocks))  # type: ignore[arg-type]


def words(text: str, *marks: Mark, href: str = "") -> str:
    return write(Paragraph((Text(text, frozenset(marks), href),)))


def rendered(wiki: str) -> str:
    """The words of a line without markup, as a reader sees them."""
    return html.unescape(ESCAPES.sub(lambda found: f"&#{ord(found[1])};", wiki))


@settings(max_examples=50, deadline=None)
@given(WORDS)
def test_a_reader_sees_the_words_and_no_markup(text: str) -> None:
    for written in (words(text), words(text, Mark.CODE).replace("{{", "").replace("}}", "")):
        bare = re.sub(r"&#\d+;", "§", ESCAPES.sub("§", written))
        assert not re.search(r"[*+?^~|{}\[\]!\\]|&\w+;|^(h[1-6]|bq)\.|:\)|\(y\)", bare)
        assert not re.search(r"(?<![^\W_])[_-]|[_-](?![^\W_])", bare)
        assert clean_line(rendered(written)) == clean_line(text)


@settings(max_examples=50, deadline=None)
@given(DOCUMENTS)
def test_every_code_block_ends_where_it_should(document: Document) -> None:
    written = to_wiki(document)
    blocks = sum(isinstance(block, CodeBlock) for block in document.content)
    outside = re.sub(
        r"(?<!\\)\{noformat\}\n.*?\n\{noformat\}|(?<!\\)\{code:\w+\}\n.*?\n\{code\}",
        "A BLOCK",
        written,
        flags=re.DOTALL,
    )
    assert outside.count("A BLOCK") == blocks
    assert not re.search(r"(?<!\\)\{(code|noformat)", outside)
    assert "pa55" not in written


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("C:\\{x}", "C:&#92;\\{x\\}"),
        ("h1. no heading", "h1&#46; no heading"),
        ("a :) b", "a &#58;) b"),
        ("&amp;", "&#38;amp;"),
        ("&&amp;", "&#38;&#38;amp;"),
        ("a & b", "a & b"),
        ("[~admin]", "\\[\\~admin\\]"),
        ("{code}", "\\{code\\}"),
        ("_off-by-one_ in a_b -- c__d", "\\_off-by-one\\_ in a_b \\-\\- c\\_\\_d"),
    ],
)
def test_what_has_a_meaning_is_escaped(text: str, expected: str) -> None:
    assert words(text) == expected


def test_words_that_mean_something_only_together_are_escaped_together() -> None:
    assert write(Paragraph((Text("h1"), Text(". x")))) == "h1&#46; x"


def test_code_in_a_line_and_links() -> None:
    assert words("a_b}}", Mark.CODE) == "{{a_b&#125;&#125;}}"
    assert words("_x_ a::b :)", Mark.CODE) == "{{&#95;x&#95; a::b &#58;&#41;}}"
    assert words("x|y]", href="https://a.example/b|c]") == (
        "[x&#124;y&#93;|https://a.example/b%7Cc%5D]"
    )
    assert words("x", href="javascript:alert(1)") == "x"


def test_marks_touch_the_words_and_not_the_spaces() -> None:
    assert words(" bold ", Mark.STRONG) == " {*}bold{*} "


@pytest.mark.parametrize("language", ["diff", "nonsense", ""])
def test_a_language_that_data_center_does_not_know_is_no_error_on_the_ticket(language: str) -> None:
    assert write(CodeBlock("+ a", language)) == "{noformat}\n+ a\n{noformat}"


def test_code_that_holds_the_end_of_code() -> None:
    assert write(CodeBlock("a", "python")) == "{code:python}\na\n{code}"
    assert write(CodeBlock("{CODE} {noFormat}", "python")) == (
        "{noformat}\n{CODE} { noFormat}\n{noformat}"
    )


def test_cells_and_items_stay_in_their_line() -> None:
    cell = (Text("a\nb|c"),)
    assert write(Table(((cell,), (cell, cell)))) == (
        "||a \\\\ b\\|c|| ||\n|a \\\\ b\\|c|a \\\\ b\\|c|"
    )
    assert write(BulletList((Paragraph(cell),), numbered=True)) == "# a \\\\ b\\|c"


def test_the_other_blocks() -> None:
    word = (Text("x"),)
    assert write(Heading(2, word), Rule(), Table(())) == "h2. x\n\n----"
    panel = write(Panel(Tone.SUCCESS, (Paragraph(word), Paragraph(word))))
    assert panel == "{panel:bgColor=#e3fcef}\nx\n\nx\n{panel}"
