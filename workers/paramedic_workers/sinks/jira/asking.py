"""How anything is asked of Jira: addresses, lists of many pages, what is not there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from paramedic_workers.sinks.jira.dialects import DIALECTS
from paramedic_workers.sinks.jira.refusals import JiraRefused
from paramedic_workers.sinks.jira.session import Ask, Session
from paramedic_workers.sinks.jira.settings import JiraKind

A = TypeVar("A")

#: Types, fields or comments of one page.
LIST_PAGE = 100
#: Pages of a list at most: a list that never ends is not read for ever.
LIST_PAGES = 50


class Asking:
    """Asks one Jira, in its own way."""

    def __init__(self, session: Session) -> None:
        """Speak through this session."""
        self._session = session
        self._dialect = DIALECTS[session.address.kind]

    def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        self._session.close()

    @property
    def kind(self) -> JiraKind:
        """Which Jira it is."""
        return self._session.address.kind

    def within(self, seconds: float) -> AbstractContextManager[None]:
        """Let all requests of the block, in this thread, end within so many seconds.

        One that would begin too late is not sent: `DeliveryPostponed`.
        """
        return self._session.within(seconds)

    def _path(self, path: str) -> str:
        """The path below the version of the interface that this Jira has."""
        return f"{self._dialect.api}{path}"

    def _get(self, path: str, act: str, kind: type[A], query: Mapping[str, str] = {}) -> A:
        ask = Ask(method="GET", path=self._path(path), act=act, query=query, reads=True)
        return self._session.ask(ask, kind)

    def _found(self, read: Callable[[], A]) -> A | None:
        """What is read, or None where Jira says that there is none (404)."""
        try:
            return read()
        except JiraRefused as error:
            if error.status == 404:
                return None
            raise

    def _listed(
        self,
        path: str,
        act: str,
        kind: type[A],
        items: Callable[[A], Sequence[Any]],
        query: Mapping[str, str] = {},
    ) -> tuple[Any, ...]:
        """All pages of a list; what an answer says of its total is not counted on."""
        found: list[Any] = []
        for _ in range(LIST_PAGES):
            place = {"startAt": str(len(found)), "maxResults": str(LIST_PAGE)}
            page = self._get(path, act, kind, {**query, **place})
            found += items(page)
            if len(items(page)) < _page_size(page):
                break
        return tuple(found)


def _page_size(page: Any) -> int:
    """How many a full page has, by the answer; at least one, so that an empty page ends it."""
    return max(getattr(page, "max_results", None) or LIST_PAGE, 1)
