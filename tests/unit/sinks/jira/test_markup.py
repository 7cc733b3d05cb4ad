"""HTML of templates: what is known becomes a text tree, what is not is refused."""

from __future__ import annotations

import pytest
from markupsafe import escape

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
from paramedic_workers.sinks.jira.markup import MarkupError, read_markup
from tests.support.documents_of_tickets import HOSTILE


def word(text: str) -> tuple[Text, ...]:
    return (Text(text),)


def test_every_element_has_its_block() -> None:
    html = """
    <h2>Head</h2> <hr>
    <aside data-tone="error"><p>One</p><p>Two</p></aside>
    <ul><li>a</li></ul> <ol><li>b</li></ol>
    <table><tr><th>h</th></tr><tr><td>c</td></tr></table>
    <pre data-language="diff" data-whole="fix.patch" data-room="90">
+ a
  b
</pre>
    """
    assert read_markup(html) == Document(
        (
            Heading(2, word("Head")),
            Rule(),
            Panel(Tone.ERROR, (Paragraph(word("One")), Paragraph(word("Two")))),
            BulletList((Paragraph(word("a")),)),
            BulletList((Paragraph(word("b")),), numbered=True),
            Table(((word("h"),), (word("c"),))),
            CodeBlock("+ a\n  b", "diff", whole="fix.patch", room=90),
        )
    )


def test_words_look_as_they_are_marked() -> None:
    (paragraph,) = read_markup(
        '<p>  a <strong>b <em>c</em></strong>\n <a href="https://x.example">d</a><br>e </p>'
    ).content
    strong = frozenset({Mark.STRONG})
    assert paragraph == Paragraph(
        (
            Text("a "),
            Text("b ", strong),
            Text("c", strong | {Mark.EMPHASIS}),
            Text(" "),
            Text("d", href="https://x.example"),
            Text("\n"),
            Text("e"),
        )
    )


def test_loose_words_are_a_paragraph() -> None:
    assert read_markup("just <code>x</code>").content == (
        Paragraph((Text("just "), Text("x", frozenset({Mark.CODE})))),
    )
    assert read_markup(" \n ").content == ()


@pytest.mark.parametrize("words", HOSTILE)
def test_what_jinja_escapes_is_only_words(words: str) -> None:
    (block,) = read_markup(f"<pre>x{escape(words)}x</pre>").content
    assert isinstance(block, CodeBlock)
    assert block.text.replace("\r\n", "\n") == f"x{words}x".replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("html", "why"),
    [
        ("<div>x</div>", "<div>"),
        ("<p><ul></ul></p>", "cannot stand in <p>"),
        ("<p>x", "not closed"),
        ("x</p>", "closes what is not open"),
        ("<ul>x</ul>", "stand loose"),
        ("<aside data-tone='loud'><p>x</p></aside>", "data-tone"),
        ("<pre data-room='many'>x</pre>", "data-room"),
        ("<script>alert(1)</script>", "<script>"),
    ],
)
def test_what_no_ticket_can_show_is_refused(html: str, why: str) -> None:
    with pytest.raises(MarkupError, match=why):
        read_markup(html)
