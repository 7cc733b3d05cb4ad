"""The report page: everything is shown, nothing of the target is executed, nothing is fetched."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from paramedic_workers.errors import Phase, Verdict
from paramedic_workers.results import Alternative, Confidence, PhaseTime
from paramedic_workers.sinks.report import MEANING, duration, plain, render_report, timeline
from tests.support.results import PATCH, make_result, make_unhealed


class Page(HTMLParser):
    """Tags, attributes and text of a page; fails on tags that do not match."""

    VOID = frozenset({"meta", "link", "br", "path", "rect"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_shows_what_the_result_says() -> None:
    result = make_result(
        alternatives=(Alternative(patch=PATCH, confidence=Confidence.LOW),),
        merged=("aaaa1111",),
        count=1_000,
        output="\x1b[31mFAILED\x1b[0m tests/test_prices.py",
    )
    page = Page(render_report(result, earlier=[make_unhealed()]))
    for expected in (
        "healed",
        "A fix was found and proved.",
        "AssertionError",
        "assert 2500 == 1500",
        *result.failing_tests,
        "shop/prices.py",
        "return cents - cents * percent // 100",
        "git apply fix.patch",
        "git fetch",
        "It is the only candidate that passes.",
        "with the patch, run 1 of 3",
        "1 passed",
        "42",
        "Alternative 1",
        "aaaa1111",
        "1,000",
        "FAILED tests/test_prices.py",
        "reproduce: 3 of 3",
        "1 earlier result",
        result.revision,
    ):
        assert expected in page.text, expected


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_verdict_has_a_page_that_explains_it(verdict: Verdict) -> None:
    make = make_result if verdict in (Verdict.HEALED, Verdict.PROPOSED) else make_unhealed
    assert MEANING[verdict] in Page(render_report(make(verdict=verdict))).text


def test_markup_from_the_target_is_text() -> None:
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>`</code><b>`"
    result = make_result(
        summary=evil,
        failing_tests=(f"tests/test_x.py::test[{evil}]",),
        reasons=(evil,),
        output=evil,
        log=evil,
        patch=f"--- a/{evil}\n+++ b/{evil}\n@@ -1 +1 @@ {evil}\n-{evil}\n+{evil}\n",
    )
    page = Page(render_report(result))
    assert "script" not in page.tags
    assert "img" not in page.tags
    assert page.text.count("<script>alert(1)</script>") >= 7


def test_the_page_is_whole_in_itself() -> None:
    html = render_report(make_result())
    page = Page(html)
    outside = [link for link in page.links if re.match(r"\w+:|//", link)]
    assert all(link.startswith("data:") for link in outside)
    assert "@import" not in html
    assert "url(" not in html
    assert "default-src 'none'" in html
    assert "prefers-color-scheme: dark" in html


def test_phases_stand_one_after_the_other() -> None:
    bars = timeline(
        [PhaseTime(name=Phase.PREPARE, seconds=1), PhaseTime(name=Phase.REPAIR, seconds=3)]
    )
    assert [(bar.start, bar.width) for bar in bars] == [(0, 25), (25, 75)]
    assert timeline([PhaseTime(name=Phase.PREPARE, seconds=0)])[0].width == 0
    assert timeline([]) == []


def test_terminal_output_becomes_text() -> None:
    assert (
        plain("\x1b[1;31mred\x1b[0m\r\nnext\x07\x1b]0;title\x07")
        == "red\nnext\N{REPLACEMENT CHARACTER}"
    )
    assert plain("a\tb\nc") == "a\tb\nc"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0 s"), (9.94, "9.9 s"), (12.3, "12 s"), (200, "3 min 20 s"), (7_500, "2 h 5 min")],
)
def test_durations_read_well(seconds: float, text: str) -> None:
    assert duration(seconds) == text
