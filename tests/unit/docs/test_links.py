"""Links between pages lead somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.documents import DOCS

REPOSITORY = DOCS.parent
PAGES = sorted([*REPOSITORY.glob("*.md"), *DOCS.glob("*.md")])
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """The file and the heading of each link to a page or file of this repository."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in _LINK.findall(text):
        if "://" not in target:
            file, _, heading = target.partition("#")
            yield (page.parent / file if file else page), heading


def headings(page: Path) -> set[str]:
    """The anchors of a page, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for file, heading in links(page):
        assert file.exists(), f"{page.name}: {file}"
        assert not heading or heading in headings(file), f"{page.name}: {file}#{heading}"


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached = {file.resolve() for file, _ in links(REPOSITORY / "README.md")}
    assert {page for page in DOCS.glob("*.md") if page.resolve() not in reached} == set()
