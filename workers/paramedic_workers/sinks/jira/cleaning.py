"""Text as it may stand in a ticket: without secrets, terminal escapes and control characters.

Everything that a ticket shows has gone through here, whichever way it came.
"""

from __future__ import annotations

import re

from paramedic.redaction import without_credentials
from paramedic_workers.sinks.report import plain

#: Line ends of Unicode beside `\n`: Jira's forms disagree on what they are.
_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
#: C1 controls; halves of a surrogate pair, which are no text; and what turns the direction of
#: writing around, by which a line can show something else than it says.
_NO_TEXT = re.compile(
    "[\x80-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff\u202a-\u202e\u2066-\u2069\u200e\u200f]"
)
#: Schemes that a link may have: a `javascript:` would be run in the reader's browser.
_SCHEMES = ("https://", "http://", "mailto:")
_MARK = "\N{REPLACEMENT CHARACTER}"


def clean(text: str) -> str:
    """The text, as lines: line ends are `\\n`, tabs stay, what is no text shows as `\ufffd`."""
    lines = _LINE_ENDS.sub("\n", without_credentials(text))
    return _NO_TEXT.sub(_MARK, plain(lines))


def clean_line(text: str) -> str:
    """The text in one line, with single spaces."""
    return " ".join(clean(text).split())


def clean_link(url: str) -> str:
    """The address, or nothing where it leads nowhere that a reader may be sent."""
    link = "".join(clean(url).split())
    return link if link.lower().startswith(_SCHEMES) and _MARK not in link else ""


def jira_length(text: str) -> int:
    """The length as Jira counts it, in UTF-16 units: an emoji counts two."""
    return len(text) + sum(character > "\uffff" for character in text)
