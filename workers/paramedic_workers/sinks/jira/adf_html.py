"""ADF as HTML, to show a ticket on a page as Jira would; what is unknown shows its words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from markupsafe import Markup, escape

from paramedic_workers.sinks.jira.cleaning import clean_link

_TAGS: Final = {
    "paragraph": "p",
    "bulletList": "ul",
    "orderedList": "ol",
    "listItem": "li",
    "table": "table",
    "tableRow": "tr",
    "tableHeader": "th",
    "tableCell": "td",
}
_MARKS: Final = {"strong": "strong", "em": "em", "code": "code", "strike": "s"}


def adf_to_html(node: Mapping[str, Any]) -> Markup:
    """The node and what is in it."""
    inner = Markup("").join(adf_to_html(child) for child in node.get("content", ()))
    attributes = node.get("attrs", {})
    match node.get("type"):
        case "text":
            html = _words(node)
        case "hardBreak":
            html = Markup("<br>")
        case "rule":
            html = Markup("<hr>")
        case "heading":
            # Below the ticket's own heading.
            level = min(int(attributes.get("level", 1)) + 1, 6)
            html = Markup("<h{0}>{1}</h{0}>").format(level, inner)
        case "codeBlock":
            html = Markup('<pre class="{}">{}</pre>').format(
                attributes.get("language", ""), _coloured(inner, attributes.get("language", ""))
            )
        case "panel":
            html = Markup('<div class="panel {}">{}</div>').format(
                attributes.get("panelType", ""), inner
            )
        case str() as kind if kind in _TAGS:
            html = Markup("<{0}>{1}</{0}>").format(_TAGS[kind], inner)
        case _:
            html = inner
    return html


def _words(node: Mapping[str, Any]) -> Markup:
    html = escape(node.get("text", ""))
    for mark in node.get("marks", ()):
        if tag := _MARKS.get(mark["type"]):
            html = Markup("<{0}>{1}</{0}>").format(tag, html)
        elif mark["type"] == "link":
            html = Markup('<a href="{}">{}</a>').format(clean_link(mark["attrs"]["href"]), html)
    return html


def _coloured(code: Markup, language: str) -> Markup:
    if language != "diff":
        return code
    lines = code.split("\n")
    return Markup("\n").join(
        Markup('<span class="{}">{}</span>').format(_side(line), line) for line in lines
    )


def _side(line: str) -> str:
    if line.startswith(("+++", "---")):
        return "soft"
    return {"+": "plus", "-": "minus", "@": "soft"}.get(line[:1], "")
