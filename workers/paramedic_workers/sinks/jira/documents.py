"""A text with structure, as a ticket shows it; `adf` and `wiki` write it down.

Only what both of Jira's formats can say is here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Mark(StrEnum):
    """How a piece of text looks."""

    STRONG = "strong"
    EMPHASIS = "emphasis"
    CODE = "code"
    STRIKE = "strike"


@dataclass(frozen=True)
class Text:
    """Words in a line; a line end in them is a line break."""

    text: str
    marks: frozenset[Mark] = frozenset()
    #: Where a click leads; empty: nowhere.
    href: str = ""


@dataclass(frozen=True)
class Paragraph:
    """Words in a paragraph."""

    content: tuple[Text, ...]


@dataclass(frozen=True)
class Heading:
    """A heading; 1 is the greatest, 6 the smallest."""

    level: int
    content: tuple[Text, ...]


@dataclass(frozen=True)
class CodeBlock:
    """Lines as they are."""

    text: str
    #: For colouring: `python`, `diff`, `bash`; empty: none.
    language: str = ""
    #: The attachment that holds all of it, for the line that says what was cut out.
    whole: str = ""
    #: Characters that are shown at most; 0: as many as the ticket has room for.
    room: int = 0


class Tone(StrEnum):
    """What a panel is for."""

    INFO = "info"
    SUCCESS = "success"
    WARNING = "warning"
    ERROR = "error"
    NOTE = "note"


@dataclass(frozen=True)
class Panel:
    """Paragraphs that stand out."""

    tone: Tone
    content: tuple[Paragraph, ...]


@dataclass(frozen=True)
class BulletList:
    """Points, each one paragraph."""

    items: tuple[Paragraph, ...]
    numbered: bool = False


@dataclass(frozen=True)
class Table:
    """A table; the first row is its head."""

    rows: tuple[tuple[tuple[Text, ...], ...], ...]


@dataclass(frozen=True)
class Rule:
    """A line across."""


Block = Paragraph | Heading | CodeBlock | Panel | BulletList | Table | Rule


@dataclass(frozen=True)
class Document:
    """A whole text."""

    content: tuple[Block, ...]
