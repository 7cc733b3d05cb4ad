"""Texts that fit into a ticket: what is too long is cut in the middle, and says so.

The beginning of an output says what ran, its end says what went wrong: the middle can best be
missed. The whole is always attached, and the line that stands for what was cut says where.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, TypeVar

import msgspec

from paramedic_workers.sinks.jira.adf import to_adf
from paramedic_workers.sinks.jira.cleaning import jira_length
from paramedic_workers.sinks.jira.documents import (
    Block,
    BulletList,
    CodeBlock,
    Document,
    Heading,
    Panel,
    Paragraph,
    Table,
    Text,
)
from paramedic_workers.sinks.jira.wiki import to_wiki

#: Characters of a description or comment, however it is written down. Jira takes 32,767.
LIMIT: Final = 30_000
#: Characters of a single piece, tried one after the other until the document fits.
_ROOMS: Final = (20_000, 12_000, 8_000, 5_000, 3_000, 1_500, 700, 300, 120)
#: Characters of words in a paragraph: nobody reads more of a message there.
_WORDS: Final = 2_000
#: Items of a list and rows of a table that stay, whatever the room.
_FEWEST: Final = 6

_Item = TypeVar("_Item")


def fit(document: Document, limit: int = LIMIT) -> Document:
    """The document, cut so that it is within the limit both as ADF and as wiki text.

    Args:
        document: any; code blocks name the attachment that holds all of them.
        limit: UTF-16 units, as Jira counts.
    """
    for room in _ROOMS:
        cut = Document(tuple(_cut(block, room) for block in document.content))
        if written_length(cut) <= limit:
            return cut
    # So many pieces that even short they are too much: a template of somebody's own.
    while len(cut.content) > 1 and written_length(cut) > limit:
        cut = Document(_middle_out(cut.content, len(cut.content) // 2, _left_out))
    return cut


def written_length(document: Document) -> int:
    """UTF-16 units of the longer of the two forms a document is sent in."""
    adf = msgspec.json.encode(to_adf(document)).decode()
    return max(jira_length(adf), jira_length(to_wiki(document)))


def cut_middle(text: str, room: int, whole: str = "") -> str:
    """The text, or its beginning and end with a line between that says what is missing.

    Args:
        text: any.
        room: characters that may come out; a little more where it is less than that line.
        whole: name of the attachment that holds all of it; empty: none does.
    """
    if len(text) <= room:
        return text
    where = f"; all of it is in {whole}" if whole else ""
    longest = f"\n… {len(text):,} characters are left out here{where} …\n"
    half = max((room - len(longest)) // 2, 0)
    head, tail = text[:half], text[len(text) - half :]
    # Whole lines where that costs little.
    head = head[: head.rfind("\n")] if head.rfind("\n") > half // 2 else head
    tail = tail[tail.find("\n") + 1 :] if -1 < tail.find("\n") < half // 2 else tail
    missing = len(text) - len(head) - len(tail)
    return f"{head}\n… {missing:,} characters are left out here{where} …\n{tail}".strip("\n")


def cut_end(text: str, room: int) -> str:
    """The text in so many UTF-16 units, with an ellipsis where it was longer."""
    if jira_length(text) <= room:
        return text
    left = room - 1
    for index, character in enumerate(text):
        left -= jira_length(character)
        if left < 0:
            return f"{text[:index].rstrip(' :;,.')}…"
    return text


def cut_inside(text: str, room: int) -> str:
    """A name in so many characters, with an ellipsis in its middle where it was longer."""
    if len(text) <= room:
        return text
    half = (room - 1) // 2
    return f"{text[: room - 1 - half]}…{text[len(text) - half :]}"


def _cut(block: Block, room: int) -> Block:
    few = max(_FEWEST, room // 60)
    match block:
        case CodeBlock():
            own = min(block.room or room, room)
            return replace(block, text=cut_middle(block.text, own, block.whole))
        case Paragraph(content) | Heading(content=content):
            return replace(block, content=_cut_words(content, room))
        case Panel(content=paragraphs):
            cut = tuple(Paragraph(_cut_words(p.content, room)) for p in paragraphs)
            return replace(block, content=_middle_out(cut, few, _left_out))
        case BulletList(items):
            cut = tuple(Paragraph(_cut_words(item.content, room)) for item in items)
            return replace(block, items=_middle_out(cut, few, _left_out))
        case Table(rows):
            return Table(_middle_out(tuple(_cut_row(row, room) for row in rows), few, _left_row))
    return block


def _cut_row(row: tuple[tuple[Text, ...], ...], room: int) -> tuple[tuple[Text, ...], ...]:
    return tuple(_cut_words(cell, room) for cell in row)


def _cut_words(content: Sequence[Text], room: int) -> tuple[Text, ...]:
    left = min(room, _WORDS)
    cut = []
    for text in content:
        if left > 0:
            cut.append(replace(text, text=cut_inside(text.text, left)))
        left -= len(text.text)
    return tuple(cut)


def _middle_out(
    items: tuple[_Item, ...], few: int, left_out: Callable[[int], _Item]
) -> tuple[_Item, ...]:
    if len(items) <= few:
        return items
    half = (few - 1) // 2
    head, tail = items[: few - 1 - half], items[len(items) - half :]
    return (*head, left_out(len(items) - len(head) - len(tail)), *tail)


def _left_out(number: int) -> Paragraph:
    return Paragraph((Text(f"… {number:,} are left out here …"),))


def _left_row(number: int) -> tuple[tuple[Text, ...], ...]:
    return (_left_out(number).content,)
