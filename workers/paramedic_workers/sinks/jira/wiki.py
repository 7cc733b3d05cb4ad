"""A text as Jira Data Center takes it: wiki text.

Whatever came from the target is escaped: with a backslash where Jira's renderer knows that
(its `BackslashEscapeRendererComponent` lists the characters), else as an HTML entity, which
it passes on. A backslash itself can only be an entity: two of them are a line break.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby
from typing import Final
from urllib.parse import quote

from paramedic_workers.sinks.jira.cleaning import clean, clean_link
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

#: A line break inside a cell, an item or a heading, where a line end would end it.
_BREAK: Final = r" \\ "
#: What only an entity can say: backslashes, entities that a text happens to hold, the heads of
#: `h1.` and `bq.`, and faces: `:)`, `;)`, `:D`, `(y)`, `(/)`.
_ENTITIES: Final = re.compile(
    r"\\"
    r"|&(?=[&#\w])"
    r"|(?<=^h[1-6])\.|(?<=^bq)\.|(?<=\sh[1-6])\.|(?<=\sbq)\."
    r"|[:;](?=-?[()DPp|])"
    r"|\((?=(?:[ynix/+*!?-]|on|off|\*[rgby]|flag|flagoff)\))",
    re.MULTILINE,
)
#: Inside a word neither a hyphen nor an underscore begins anything: most names stay readable.
_INSIDE: Final = r"(?<=[^\W_])[_-](?=[^\W_])"
_ESCAPED: Final = re.compile(rf"(?!{_INSIDE})[-*_+?^~|{{}}\[\]!#@]")
#: Inside `{{…}}` and link titles escapes by backslash are read differently by age of Jira.
_SPECIAL: Final = re.compile(
    rf"(?!{_INSIDE})(?:[^\w\s.,/=<>'\"$%`:]|_)|:(?=-?[()DPp|])|(?<=h[1-6])\.|(?<=bq)\."
)
#: Languages that `{code}` of Data Center knows among those we use; another is an error message.
_LANGUAGES: Final = frozenset({"python", "bash", "json", "sql", "xml", "yaml"})
_MARKS: Final = {Mark.STRONG: "*", Mark.EMPHASIS: "_", Mark.STRIKE: "-"}
_COLOURS: Final = {
    Tone.INFO: "#deebff",
    Tone.SUCCESS: "#e3fcef",
    Tone.WARNING: "#fffae6",
    Tone.ERROR: "#ffebe6",
    Tone.NOTE: "#eae6ff",
}


def to_wiki(document: Document) -> str:
    """The document as wiki text, ready for `description` and for the body of a comment."""
    blocks = (_block(block) for block in document.content)
    return "\n\n".join(block for block in blocks if block)


def _block(block: Block) -> str:
    match block:
        case Paragraph(content):
            written = _inline(content, "\n")
        case Heading(level, content):
            written = f"h{min(max(level, 1), 6)}. {_inline(content, ' ')}"
        case CodeBlock():
            written = _code(block)
        case Panel(tone, content):
            inner = "\n\n".join(_inline(paragraph.content, "\n") for paragraph in content)
            written = f"{{panel:bgColor={_COLOURS[tone]}}}\n{inner}\n{{panel}}"
        case BulletList(items, numbered):
            bullet = "#" if numbered else "*"
            written = "\n".join(f"{bullet} {_inline(item.content, _BREAK)}" for item in items)
        case Table(rows):
            written = _table(rows)
        case Rule():
            written = "----"
    return written


def _table(rows: tuple[tuple[tuple[Text, ...], ...], ...]) -> str:
    width = max((len(row) for row in rows), default=0)
    if not width:
        return ""
    lines = []
    for number, row in enumerate(rows):
        edge = "||" if number == 0 else "|"
        cells = (
            _inline(cell, _BREAK).strip() or " " for cell in (*row, *[()] * (width - len(row)))
        )
        lines.append(f"{edge}{edge.join(cells)}{edge}")
    return "\n".join(lines)


def _code(block: CodeBlock) -> str:
    text = clean(block.text)
    if block.language in _LANGUAGES and not re.search(r"\{code", text, re.IGNORECASE):
        return f"{{code:{block.language}}}\n{text}\n{{code}}"
    # A space is seen, and copied, as what it is; a character of no width would be neither.
    inner = re.sub(r"\{(?=noformat)", "{ ", text, flags=re.IGNORECASE)
    return f"{{noformat}}\n{inner}\n{{noformat}}"


def _inline(content: Iterable[Text], line_break: str) -> str:
    # As one piece, or `h1` and `.` would pass as two that mean nothing.
    pieces = groupby(content, key=lambda text: (text.marks, text.href))
    texts = (
        Text("".join(text.text for text in same), marks, href) for (marks, href), same in pieces
    )
    return "".join(_text(text, line_break) for text in texts).strip("\n")


def _text(text: Text, line_break: str) -> str:
    lines = (_marked(line, text) for line in clean(text.text).split("\n"))
    return line_break.join(lines)


def _marked(line: str, text: Text) -> str:
    """One line with its marks; they hold only if they touch its words, not the space around."""
    core = line.strip()
    if not core:
        return line
    before, after = line[: line.index(core)], line[line.index(core) + len(core) :]
    link = _address(text.href)
    if Mark.CODE in text.marks:
        shown = f"{{{{{_entities(core)}}}}}"
    elif link:
        shown = _entities(core)
    else:
        shown = _escaped(core)
        for mark, sign in _MARKS.items():
            shown = f"{{{sign}}}{shown}{{{sign}}}" if mark in text.marks else shown
    return f"{before}[{shown}|{link}]{after}" if link else f"{before}{shown}{after}"


def _escaped(line: str) -> str:
    safe = _ENTITIES.sub(lambda found: f"&#{ord(found[0])};", line)
    # What the entities above have written is left as it is.
    pieces = re.split(r"(&#\d+;)", safe)
    return "".join(p if n % 2 else _ESCAPED.sub(r"\\\g<0>", p) for n, p in enumerate(pieces))


def _entities(line: str) -> str:
    return _SPECIAL.sub(lambda found: f"&#{ord(found[0])};", line)


def _address(url: str) -> str:
    """The address, with what ends a link of wiki text in per cent notation."""
    return quote(clean_link(url), safe="/:?#@&=+$,;%~.-_()*'")
