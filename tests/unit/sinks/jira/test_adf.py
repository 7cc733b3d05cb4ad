"""ADF: valid by Atlassian's schema whatever goes in, and saying what went in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings

from paramedic_workers.sinks.jira.adf import to_adf
from paramedic_workers.sinks.jira.documents import (
    BulletList,
    CodeBlock,
    Document,
    Heading,
    Mark,
    Panel,
    Paragraph,
    Table,
    Text,
    Tone,
)
from paramedic_workers.sinks.jira.samples import sample_views
from paramedic_workers.sinks.jira.settings import JiraSettings
from paramedic_workers.sinks.jira.texts import Texts
from tests.support.documents_of_tickets import DOCUMENTS
from tests.support.jira_contract import NEEDS_CONTRACT, the_contract


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("content", ()):
        yield from nodes(child)


def of(*blocks: Any) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = to_adf(Document(blocks))["content"]
    return content


def judge(document: Document) -> None:
    contract = the_contract()
    assert contract is not None
    contract.judge_document(to_adf(document))


@NEEDS_CONTRACT
@settings(max_examples=20, deadline=None)
@given(DOCUMENTS)
def test_any_text_is_valid(document: Document) -> None:
    judge(document)


@NEEDS_CONTRACT
def test_the_texts_of_every_verdict_are_valid() -> None:
    texts, views = Texts.load(JiraSettings()), list(sample_views())
    blocks = {
        block: None  # each once: judging takes its time
        for view in views
        for document in (texts.description(view), texts.comment(views[0].result, view))
        for block in document.content
    }
    judge(Document(tuple(blocks)))


@settings(max_examples=40, deadline=None)
@given(DOCUMENTS)
def test_what_jira_refuses_is_never_there(document: Document) -> None:
    for node in nodes(to_adf(document)):
        if node["type"] == "text":
            assert node["text"]
            assert "\n" not in node["text"] or "marks" not in node
            marks = {mark["type"] for mark in node.get("marks", ())}
            assert "code" not in marks or marks <= {"code", "link"}
            assert not any(ord(letter) < 32 and letter not in "\n\t" for letter in node["text"])
            assert "pa55" not in node["text"]
        if node["type"] == "table":
            assert len({len(row["content"]) for row in node["content"]}) == 1
    json.dumps(to_adf(document)).encode()


def test_a_line_end_is_a_break() -> None:
    (paragraph,) = of(Paragraph((Text("a\nb"),)))
    assert [node["type"] for node in paragraph["content"]] == ["text", "hardBreak", "text"]


def test_marks_and_links_are_kept() -> None:
    bold = Text("b", frozenset({Mark.STRONG, Mark.EMPHASIS}), "https://git.example/x")
    (paragraph,) = of(Paragraph((bold,)))
    (node,) = paragraph["content"]
    assert [mark["type"] for mark in node["marks"]] == ["strong", "em", "link"]
    assert node["marks"][-1]["attrs"] == {"href": "https://git.example/x"}


def test_code_stands_with_no_other_mark_but_a_link() -> None:
    code = Text("x", frozenset({Mark.CODE, Mark.STRONG}), "https://git.example/x")
    (paragraph,) = of(Paragraph((code,)))
    assert [mark["type"] for mark in paragraph["content"][0]["marks"]] == ["code", "link"]


def test_a_link_that_would_run_something_is_only_words() -> None:
    (paragraph,) = of(Paragraph((Text("click", href="javascript:alert(1)"),)))
    assert paragraph["content"] == [{"type": "text", "text": "click"}]


def test_code_says_its_language_and_keeps_its_lines() -> None:
    code, empty = of(CodeBlock("if a:\n\tb", "python"), CodeBlock(""))
    assert code["attrs"] == {"language": "python"}
    assert code["content"] == [{"type": "text", "text": "if a:\n\tb"}]
    assert empty == {"type": "codeBlock"}


def test_every_block_has_its_node() -> None:
    word = (Text("x"),)
    kinds = [
        node["type"]
        for node in of(
            Heading(9, word),
            Panel(Tone.SUCCESS, (Paragraph(word),)),
            BulletList((Paragraph(word),)),
            BulletList((Paragraph(word),), numbered=True),
            BulletList(()),
            Table(((word,), (word, word))),
            Table(()),
        )
    ]
    assert kinds == ["heading", "panel", "bulletList", "orderedList", "table"]


def test_an_empty_text_is_a_document_all_the_same() -> None:
    assert to_adf(Document(()))["content"] == [{"type": "paragraph", "content": []}]
