"""Hypothesis strategies for ticket texts: any tree, with the words that break markup."""

from __future__ import annotations

from hypothesis import strategies as st

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

#: Words that mean something to Jira, to a terminal, to HTML or to a text's encoding.
HOSTILE = (
    "{code}", "{noformat}", "{code:python}", "{panel}", "{color:red}", "{{x}}", "{", "}", "*b*",
    "_i_", "-s-", "+u+", "^up^", "~down~", "??cite??", "[a|https://evil.example]", "[~admin]",
    "!pic.png!", "|cell|", "||head||", "h1. ", "bq. ", "# ", "* ", "----", "\\\\", "\\", "&amp;",
    "&#123;", ":)", "(y)", "(!)", "@ada", "</p><h1>", "<script>", "\x1b[31m", "\x00", "\r\n",
    "\u2028", "\ud800", "\u202e", "\n", "\n\n", "  ", "🎉", "https://ada:pa55@git.example/x",
)  # fmt: skip
WORDS = st.lists(st.sampled_from(HOSTILE) | st.text(max_size=8), max_size=6).map("".join)
LINKS = st.sampled_from(
    ("", "https://git.example/a|b]c", "javascript:alert(1)", "http://x.example/{y}?a=b#c", "x")
)
TEXTS = st.builds(Text, WORDS, st.frozensets(st.sampled_from(Mark)), LINKS)
LINES = st.lists(TEXTS, max_size=4).map(tuple)
PARAGRAPHS = st.builds(Paragraph, LINES)
BLOCKS = st.one_of(
    PARAGRAPHS,
    st.builds(Heading, st.integers(-1, 9), LINES),
    st.builds(CodeBlock, WORDS, st.sampled_from(("", "python", "diff", "bash", "nonsense"))),
    st.builds(Panel, st.sampled_from(Tone), st.lists(PARAGRAPHS, max_size=2).map(tuple)),
    st.builds(BulletList, st.lists(PARAGRAPHS, max_size=3).map(tuple), st.booleans()),
    st.builds(Table, st.lists(st.lists(LINES, max_size=3).map(tuple), max_size=3).map(tuple)),
    st.just(Rule()),
)
DOCUMENTS = st.builds(Document, st.lists(BLOCKS, max_size=5).map(tuple))
