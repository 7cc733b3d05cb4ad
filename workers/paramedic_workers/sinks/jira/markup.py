"""HTML as templates write it, read as a text tree.

Templates are HTML because everybody can read it, and because Jinja2 escapes what it puts into
it: nothing that came from the target can be taken for markup. Only these elements are known:

    p  h1…h6  ul  ol  li  table  tr  th  td  hr  br
    pre data-language data-whole data-room      lines as they are; see `CodeBlock`
    aside data-tone                             a panel: info, success, warning, error, note
    strong  em  code  s  a href                 how words look
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from typing import Final

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
    Tone,
)

_MARKS: Final = {
    "strong": Mark.STRONG,
    "em": Mark.EMPHASIS,
    "code": Mark.CODE,
    "s": Mark.STRIKE,
}
_HEADINGS: Final = {f"h{level}": level for level in range(1, 7)}
_INLINE: Final = frozenset({*_MARKS, "a", "br"})
#: What may stand directly in what; an empty name is the text as a whole.
_BLOCKS: Final = frozenset({"p", *_HEADINGS, "ul", "ol", "table", "hr", "pre", "aside"})
_CHILDREN: Final = {
    "": _BLOCKS | _INLINE,
    **dict.fromkeys(("p", *_HEADINGS, "li", "th", "td", *_MARKS, "a"), _INLINE),
    "ul": frozenset({"li"}),
    "ol": frozenset({"li"}),
    "table": frozenset({"tr"}),
    "tr": frozenset({"th", "td"}),
    "pre": frozenset[str](),
    "aside": frozenset({"p"}),
}
_VOID: Final = frozenset({"br", "hr"})


class MarkupError(ValueError):
    """A template wrote something that no ticket can show."""


@dataclass(kw_only=True)
class _Element:
    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[_Element | str] = field(default_factory=list)


def read_markup(html: str) -> Document:
    """The text tree of this HTML.

    Raises:
        MarkupError: an element is unknown, in the wrong place, or not closed.
    """
    tree = _Tree()
    tree.feed(html)
    tree.close()
    return Document(tuple(_blocks(tree.whole())))


class _Tree(HTMLParser):
    """Reads HTML into elements, and refuses what is not in the table above."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open = [_Element(tag="")]

    def whole(self) -> _Element:
        """The root, once all is read."""
        if len(self._open) > 1:
            raise MarkupError(f"<{self._open[-1].tag}> is not closed")
        return self._open[0]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        parent = self._open[-1]
        if tag not in _CHILDREN and tag not in _VOID:
            raise MarkupError(f"<{tag}> is no element that a ticket can show")
        if tag not in _CHILDREN[parent.tag]:
            raise MarkupError(f"<{tag}> cannot stand in <{parent.tag}>")
        element = _Element(tag=tag, attributes={name: value or "" for name, value in attrs})
        parent.children.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if self._open[-1].tag != tag or not tag:
            raise MarkupError(f"</{tag}> closes what is not open")
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)


def _blocks(root: _Element) -> Iterator[Block]:
    loose: list[_Element | str] = []
    for child in root.children:
        if isinstance(child, str) or child.tag in _INLINE:
            loose.append(child)
            continue
        yield from _paragraphs(loose)
        loose = []
        yield _block(child)
    yield from _paragraphs(loose)


def _paragraphs(children: Sequence[_Element | str]) -> Iterator[Paragraph]:
    if content := _words(children):
        yield Paragraph(content)


def _block(element: _Element) -> Block:
    match element.tag:
        case "pre":
            block: Block = _code(element)
        case "aside":
            block = Panel(_tone(element), tuple(_each(element)))
        case "ul" | "ol":
            block = BulletList(tuple(_each(element)), numbered=element.tag == "ol")
        case "table":
            block = Table(tuple(_row(child) for child in _elements(element)))
        case "hr":
            block = Rule()
        case tag if tag in _HEADINGS:
            block = Heading(_HEADINGS[tag], _words(element.children))
        case _:
            block = Paragraph(_words(element.children))
    return block


def _row(row: _Element) -> tuple[tuple[Text, ...], ...]:
    return tuple(_words(cell.children) for cell in _elements(row))


def _each(element: _Element) -> Iterator[Paragraph]:
    return (Paragraph(_words(child.children)) for child in _elements(element))


def _elements(element: _Element) -> Iterator[_Element]:
    for child in element.children:
        if isinstance(child, _Element):
            yield child
        elif child.strip():
            raise MarkupError(f"words stand loose in <{element.tag}>: {child.strip()[:40]!r}")


def _code(element: _Element) -> CodeBlock:
    text = "".join(child for child in element.children if isinstance(child, str))
    room = element.attributes.get("data-room", "0")
    if not re.fullmatch(r"[0-9]{1,6}", room):
        raise MarkupError(f"data-room is a number of characters, not {room!r}")
    return CodeBlock(
        text.strip("\n"),
        language=element.attributes.get("data-language", ""),
        whole=element.attributes.get("data-whole", ""),
        room=int(room),
    )


def _tone(element: _Element) -> Tone:
    name = element.attributes.get("data-tone", "info")
    try:
        return Tone(name)
    except ValueError:
        raise MarkupError(f"data-tone is one of {', '.join(Tone)}, not {name!r}") from None


def _words(children: Sequence[_Element | str]) -> tuple[Text, ...]:
    """The words as pieces that look alike, with single spaces, none at the ends."""
    pieces: list[Text] = []
    for text in _pieces(children, Text("")):
        after_space = not pieces or pieces[-1].text.endswith((" ", "\n"))
        words = text.text if text.text == "\n" else re.sub(r"\s+", " ", text.text)
        words = words.lstrip(" ") if after_space else words
        if words:
            pieces.append(replace(text, text=words))
    while pieces and not pieces[-1].text.strip():
        pieces.pop()
    if pieces:
        pieces[-1] = replace(pieces[-1], text=pieces[-1].text.rstrip())
    return tuple(pieces)


def _pieces(children: Sequence[_Element | str], style: Text) -> Iterator[Text]:
    for child in children:
        if isinstance(child, str):
            yield replace(style, text=child)
        elif child.tag == "br":
            yield Text("\n")
        elif child.tag == "a":
            yield from _pieces(
                child.children, replace(style, href=child.attributes.get("href", ""))
            )
        else:
            marks = style.marks | {_MARKS[child.tag]}
            yield from _pieces(child.children, replace(style, marks=marks))
