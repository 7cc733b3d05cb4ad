"""In what Jira Cloud and Jira Data Center differ: paths, texts, names of people, pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote

from paramedic_workers.sinks.jira.answers import Attachment, SearchPage
from paramedic_workers.sinks.jira.documents import Document
from paramedic_workers.sinks.jira.settings import JiraKind

#: Tickets of one page of a search.
PAGE = 100
#: Jira reconciles at most so many tickets with a search.
RECONCILED = 50


@dataclass(frozen=True, kw_only=True)
class Search:
    """What is searched for, and what is wanted of each ticket."""

    jql: str
    fields: tuple[str, ...]
    #: Names of what programs have noted; Cloud only.
    properties: tuple[str, ...]
    #: Numeric ids of tickets that a lagging search must know; the last `RECONCILED` count.
    reconcile: tuple[int, ...]


@dataclass(frozen=True)
class Page:
    """Where in what a search finds the next page begins."""

    start: int = 0
    token: str = ""


class Dialect(Protocol):
    """How one kind of Jira is spoken to."""

    #: What all paths begin with.
    api: str

    def text(self, document: Document) -> Any:
        """A text as descriptions and comments take it."""
        ...

    def person(self, account: str) -> dict[str, str]:
        """A person as a field takes one."""
        ...

    def search_path(self) -> str:
        """Where searches go."""
        ...

    def search_body(self, search: Search, page: Page, size: int) -> dict[str, Any]:
        """The request for one page of at most `size` tickets."""
        ...

    def next_page(self, page: Page, answer: SearchPage) -> Page | None:
        """The page after this one, or None where this was the last."""
        ...

    def content_path(self, attachment: Attachment) -> str:
        """Where the bytes of an attachment are."""
        ...


class CloudDialect:
    """API v3: Atlassian Document Format, account ids, pages by token."""

    api = "/rest/api/3"

    def text(self, document: Document) -> Any:
        """A document of the Atlassian Document Format."""
        from paramedic_workers.sinks.jira.adf import to_adf

        return to_adf(document)

    def person(self, account: str) -> dict[str, str]:
        """By account id."""
        return {"accountId": account}

    def search_path(self) -> str:
        """The search with pages by token; the older one is gone (410)."""
        return f"{self.api}/search/jql"

    def search_body(self, search: Search, page: Page, size: int) -> dict[str, Any]:
        """The same for each page, but for its token."""
        body: dict[str, Any] = {
            "jql": search.jql,
            "maxResults": size,
            "fields": list(search.fields),
        }
        if search.properties:
            body["properties"] = list(search.properties)
        if search.reconcile:
            body["reconcileIssues"] = list(search.reconcile[-RECONCILED:])
        if page.token:
            body["nextPageToken"] = page.token
        return body

    def next_page(self, page: Page, answer: SearchPage) -> Page | None:
        """By the token of the answer; one that comes again leads nowhere."""
        token = answer.next_page_token
        if answer.is_last or not token or token == page.token:
            return None
        return Page(token=token)

    def content_path(self, attachment: Attachment) -> str:
        """The content itself, not a redirect to where it is kept."""
        return f"{self.api}/attachment/content/{segment(attachment.id)}?redirect=false"


class DataCenterDialect:
    """API v2: wiki text, user names, pages by number."""

    api = "/rest/api/2"

    def text(self, document: Document) -> Any:
        """Wiki text."""
        from paramedic_workers.sinks.jira.wiki import to_wiki

        return to_wiki(document)

    def person(self, account: str) -> dict[str, str]:
        """By user name."""
        return {"name": account}

    def search_path(self) -> str:
        """The search with pages by number."""
        return f"{self.api}/search"

    def search_body(self, search: Search, page: Page, size: int) -> dict[str, Any]:
        """The same for each page, but for where it starts.

        There is nothing to reconcile, and properties are told by single tickets only.
        """
        return {
            "jql": search.jql,
            "startAt": page.start,
            "maxResults": size,
            "fields": list(search.fields),
        }

    def next_page(self, page: Page, answer: SearchPage) -> Page | None:
        """After what was found; a page that is not full is the last."""
        found = len(answer.issues)
        full = answer.max_results if answer.max_results is not None else 1
        return Page(start=page.start + found) if found and found >= full else None

    def content_path(self, attachment: Attachment) -> str:
        """Where the files of tickets are read; the URL in the answer may name another host."""
        return f"/secure/attachment/{segment(attachment.id)}/{segment(attachment.filename)}"


#: How each kind is spoken to.
DIALECTS: dict[JiraKind, Dialect] = {
    JiraKind.CLOUD: CloudDialect(),
    JiraKind.DATA_CENTER: DataCenterDialect(),
}


def segment(value: str) -> str:
    """A value as one segment of a path: it cannot lead elsewhere.

    Raises:
        ValueError: it is empty, `.` or `..`.
    """
    if value in {"", ".", ".."}:
        raise ValueError(f"{value!r} cannot be part of a path.")
    return quote(value, safe="")


def comma(values: Sequence[str]) -> str:
    """Values of one parameter."""
    return ",".join(values)
