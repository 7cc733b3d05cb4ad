"""A text as Jira Cloud takes it: the Atlassian Document Format (ADF).

Every document that comes out is valid by Atlassian's schema, whatever went in: a text node
is never empty, `code` stands with no other mark but a link, a row has as many cells as its
table, and a list has items.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from paramedic_workers.sinks.jira.cleaning import clean, clean_line, clean_link
from paramedic_workers.sinks.jira.documents import (
    Block,
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
)

Node = dict[str, Any]

_MARKS = {Mark.STRONG: "strong", Mark.EMPHASIS: "em", Mark.STRIKE: "strike"}


def to_adf(document: Document) -> Node:
    """The document as ADF, ready for `description` and for the body of a comment."""
    nodes = [node for block in document.content for node in _block(block)]
    return {"type": "doc", "version": 1, "content": nodes or [_paragraph(())]}


def _block(block: Block) -> Iterator[Node]:
    match block:
        case Paragraph(content):
            yield _paragraph(content)
        case Heading(level, content):
            yield _heading(level, content)
        case CodeBlock():
            yield _code(block)
        case Panel(tone, content):
            paragraphs = [_paragraph(p.content) for p in content] or [_paragraph(())]
            attributes = {"panelType": tone.value}
            yield {"type": "panel", "attrs": attributes, "content": paragraphs}
        case BulletList(items, numbered):
            if items:
                kind = "orderedList" if numbered else "bulletList"
                yield {"type": kind, "content": [_item(item) for item in items]}
        case Table(rows):
            if any(rows):
                yield _table(rows)
        case Rule():
            yield {"type": "rule"}


def _paragraph(content: Iterable[Text]) -> Node:
    return {"type": "paragraph", "content": [node for text in content for node in _inline(text)]}


def _heading(level: int, content: Iterable[Text]) -> Node:
    nodes = [node for text in content for node in _inline(text) if node["type"] == "text"]
    return {"type": "heading", "attrs": {"level": min(max(level, 1), 6)}, "content": nodes}


def _code(block: CodeBlock) -> Node:
    node: Node = {"type": "codeBlock"}
    if language := clean_line(block.language):
        node["attrs"] = {"language": language}
    if text := clean(block.text):
        node["content"] = [{"type": "text", "text": text}]
    return node


def _item(item: Paragraph) -> Node:
    return {"type": "listItem", "content": [_paragraph(item.content)]}


def _table(rows: tuple[tuple[tuple[Text, ...], ...], ...]) -> Node:
    width = max(len(row) for row in rows)
    head, *body = ((*row, *(((),) * (width - len(row)))) for row in rows)
    nodes = [_row(head, "tableHeader"), *(_row(row, "tableCell") for row in body)]
    return {"type": "table", "content": nodes}


def _row(cells: Iterable[tuple[Text, ...]], kind: str) -> Node:
    content = [{"type": kind, "attrs": {}, "content": [_paragraph(cell)]} for cell in cells]
    return {"type": "tableRow", "content": content}


def _inline(text: Text) -> Iterator[Node]:
    marks = _marks(text)
    for number, line in enumerate(clean(text.text).split("\n")):
        if number:
            yield {"type": "hardBreak"}
        if line:
            yield {"type": "text", "text": line, **({"marks": marks} if marks else {})}


def _marks(text: Text) -> list[Node]:
    if Mark.CODE in text.marks:
        marks: list[Node] = [{"type": "code"}]
    else:
        marks = [{"type": name} for mark, name in _MARKS.items() if mark in text.marks]
    if link := clean_link(text.href):
        marks.append({"type": "link", "attrs": {"href": link}})
    return marks
