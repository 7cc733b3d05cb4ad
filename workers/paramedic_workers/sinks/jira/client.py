"""Jira's REST interface, as far as Paramedic uses it: one method for each request.

A thin client: it knows how to ask, what an answer means, and what may be asked again. What a
ticket should look like is decided elsewhere. A request that makes something is sent once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import httpx

from paramedic_workers.sinks.jira.address import read_address
from paramedic_workers.sinks.jira.answers import (
    Attachment,
    Comment,
    CommentPage,
    Created,
    Issue,
    SearchPage,
    Transition,
    TransitionList,
)
from paramedic_workers.sinks.jira.dialects import PAGE, Page, Search, comma, segment
from paramedic_workers.sinks.jira.documents import Document
from paramedic_workers.sinks.jira.jql import bounded
from paramedic_workers.sinks.jira.refusals import JiraFailed, JiraRefused
from paramedic_workers.sinks.jira.session import Ask, Session
from paramedic_workers.sinks.jira.settings import JiraSettings
from paramedic_workers.sinks.jira.site import Site

__all__ = ["JiraClient", "JiraFailed", "JiraRefused"]

#: What is asked of a ticket where nothing else is said.
USUAL_FIELDS = (
    "summary",
    "status",
    "resolution",
    "labels",
    "priority",
    "assignee",
    "project",
    "issuetype",
    "created",
    "updated",
)
#: Tickets that one search gives at most.
SEARCH_LIMIT = 1_000
#: Bytes of an attachment that is read.
DOWNLOAD_BYTES = 20_000_000
#: Characters of the global id of a remote link; Jira says so.
_LONGEST_GLOBAL_ID = 255


class JiraClient(Site):
    """Talks to one Jira as one account; thread-safe.

    Every method can raise what `Session.ask` lists. What can be asked of the site itself is
    in `site`, how anything is asked in `asking`.
    """

    @classmethod
    def open(
        cls,
        settings: JiraSettings,
        environ: Mapping[str, str] = os.environ,
        transport: httpx.BaseTransport | None = None,
    ) -> JiraClient:
        """A client by the settings; nothing is sent yet.

        Args:
            settings: with `dry_run`, nothing of the account needs to be there.
            environ: where the token may be.
            transport: in place of the network; a dry run has one that sends nothing.

        Raises:
            SettingsError: the URL, the e-mail address or the token is missing or wrong.
            ValueError: a dry run without a transport of its own would send.
        """
        if settings.dry_run and transport is None:
            raise ValueError("A dry run needs a transport that sends nothing.")
        address = read_address(settings, environ)
        return cls(Session(address, timeout=settings.timeout, transport=transport))

    def __enter__(self) -> JiraClient:
        """The client itself; its connections are closed when the block ends."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self.close()

    # Tickets

    def create(self, fields: Mapping[str, Any], properties: Mapping[str, Any] = {}) -> Created:
        """Make a ticket, once.

        Args:
            fields: by their ids, as Jira takes them.
            properties: what is noted at it, by name; each under 32,768 characters of JSON.

        Raises:
            UnclearDelivery: there may be a new ticket now; search before making another.
        """
        project = fields.get("project") or {}
        body: dict[str, Any] = {"fields": dict(fields)}
        if properties:
            body["properties"] = _noted(properties)
        return self._session.ask(
            Ask(
                method="POST",
                path=self._path("/issue"),
                act=f"make a ticket in {project.get('key') or project.get('id') or 'a project'}",
                json=body,
            ),
            Created,
        )

    def issue(
        self, key: str, fields: Sequence[str] = (), properties: Sequence[str] = ()
    ) -> Issue | None:
        """The ticket, or None where there is none that the account may see.

        Args:
            key: or its numeric id. A ticket that was moved answers to its old key, with its
                new one.
            fields: ids of those that are wanted; `USUAL_FIELDS` where empty.
            properties: names of what programs have noted.
        """
        query = {"fields": comma(fields or USUAL_FIELDS), "properties": comma(properties)}
        return self._found(lambda: self._get(f"/issue/{segment(key)}", f"read {key}", Issue, query))

    def update(
        self,
        key: str,
        fields: Mapping[str, Any],
        operations: Mapping[str, Sequence[Mapping[str, Any]]] = {},
        properties: Mapping[str, Any] = {},
    ) -> None:
        """Change a ticket, all in one request.

        Args:
            key: or its numeric id.
            fields: new values by the ids of the fields.
            operations: changes of lists, as in `{"labels": [{"add": "paramedic"}]}`, for fields
                that are not in `fields`.
            properties: what is noted at it, by name.
        """
        body: dict[str, Any] = {"fields": dict(fields)}
        if operations:
            body["update"] = {name: list(each) for name, each in operations.items()}
        if properties:
            body["properties"] = _noted(properties)
        self._write("PUT", key, "", f"change {key}", body)

    def search(
        self,
        jql: str,
        fields: Sequence[str] = (),
        reconcile: Sequence[str | int] = (),
        limit: int = SEARCH_LIMIT,
        properties: Sequence[str] = (),
    ) -> Iterator[Issue]:
        """The tickets that a query finds, page by page.

        Args:
            jql: with a condition; values quoted by `jql.quoted`.
            fields: ids of those that are wanted; `USUAL_FIELDS` where empty.
            reconcile: numeric ids of tickets that Cloud's lagging search must know as they are
                now; the last 50 count.
            limit: tickets at most.
            properties: names of what programs have noted; only Cloud tells them here.

        Raises:
            ValueError: the query has no condition.
        """
        search = Search(
            jql=bounded(jql),
            fields=tuple(fields or USUAL_FIELDS),
            properties=tuple(properties),
            reconcile=tuple(int(one) for one in reconcile),
        )
        return self._searched(search, limit)

    def transitions(self, key: str) -> tuple[Transition, ...]:
        """Where the ticket can go from where it stands, and what each way asks for."""
        path = f"/issue/{segment(key)}/transitions"
        query = {"expand": "transitions.fields"}
        answer = self._get(path, f"see where {key} can go", TransitionList, query)
        return tuple(answer.transitions)

    def transition(self, key: str, id: str, fields: Mapping[str, Any] = {}) -> None:
        """Move a ticket.

        Args:
            key: or its numeric id.
            id: of one of its `transitions`.
            fields: what the transition asks for.
        """
        body: dict[str, Any] = {"transition": {"id": id}}
        if fields:
            body["fields"] = dict(fields)
        self._write("POST", key, "/transitions", f"move {key}", body)

    def comments(self, key: str) -> tuple[Comment, ...]:
        """The comments of a ticket with their properties, the newest first."""
        return self._listed(
            f"/issue/{segment(key)}/comment",
            f"read the comments of {key}",
            CommentPage,
            lambda page: page.comments,
            {"orderBy": "-created", "expand": "properties"},
        )

    def comment(self, key: str, body: Document, properties: Mapping[str, Any] = {}) -> Comment:
        """Say something at a ticket, once.

        Args:
            key: or its numeric id.
            body: what is said.
            properties: what is noted at the comment, so that it is found again.
        """
        said: dict[str, Any] = {"body": self.text(body)}
        if properties:
            said["properties"] = _noted(properties)
        ask = self._writing("POST", key, "/comment", f"comment on {key}", said)
        return self._session.ask(ask, Comment)

    def attach(self, key: str, files: Sequence[tuple[str, bytes, str]]) -> tuple[Attachment, ...]:
        """Put files at a ticket in one request, once; returns what Jira made of them.

        Args:
            key: or its numeric id.
            files: name, content and media type of each, as in `text/plain; charset=utf-8`; a
                ticket can have several of one name.
        """
        names = ", ".join(name for name, _, _ in files)
        ask = Ask(
            method="POST",
            path=self._path(f"/issue/{segment(key)}/attachments"),
            act=f"attach {names} to {key}",
            files=tuple(files),
            ticket=key,
        )
        return self._session.ask(ask, tuple[Attachment, ...])

    def download(self, attachment: Attachment, limit: int = DOWNLOAD_BYTES) -> bytes:
        """The bytes of an attachment.

        Args:
            attachment: of a ticket.
            limit: bytes beyond which it is refused.
        """
        return self._session.download(
            Ask(
                method="GET",
                path=self._dialect.content_path(attachment),
                act=f"read the attachment {attachment.id}",
                reads=True,
                accept="*/*",
                limit=limit,
            )
        )

    def put_remote_link(
        self,
        key: str,
        global_id: str,
        url: str,
        title: str,
        *,
        summary: str = "",
        resolved: bool | None = None,
    ) -> None:
        """Put a link to somewhere else at a ticket, or bring it up to date.

        Args:
            key: or its numeric id.
            global_id: what the link is the same by; at most 255 characters.
            url: where it leads.
            title: what it is called.
            summary: said beside the title.
            resolved: struck through where True.

        Raises:
            ValueError: the global id is too long.
        """
        if not 0 < len(global_id) <= _LONGEST_GLOBAL_ID:
            raise ValueError(f"A global id has 1 to {_LONGEST_GLOBAL_ID} characters.")
        linked: dict[str, Any] = {"url": url, "title": title}
        if summary:
            linked["summary"] = summary
        if resolved is not None:
            linked["status"] = {"resolved": resolved}
        body = {
            "globalId": global_id,
            "application": {"type": "org.paramedic", "name": "Paramedic"},
            "object": linked,
        }
        self._write("POST", key, "/remotelink", f"link {title} at {key}", body)

    def link(self, type_name: str, inward: str, outward: str) -> None:
        """Link two tickets; a link that is there already stays one.

        Args:
            type_name: of one of `link_types`, as in `Duplicate`.
            inward: key of the ticket that the type's outward words are about: the duplicate.
            outward: key of the other one: the original.
        """
        body = {
            "type": {"name": type_name},
            "inwardIssue": {"key": inward},
            "outwardIssue": {"key": outward},
        }
        act = f"link {inward} and {outward}"
        self._session.do(
            Ask(method="POST", path=self._path("/issueLink"), act=act, json=body, ticket=inward)
        )

    # In the way of this Jira

    def text(self, document: Document) -> Any:
        """A text as descriptions take it: ADF on Cloud, wiki text on Data Center."""
        return self._dialect.text(document)

    def person(self, account: str) -> dict[str, str]:
        """A person as fields take one: by account id on Cloud, user name on Data Center."""
        return self._dialect.person(account)

    def browse_url(self, key: str) -> str:
        """Where people read the ticket."""
        return f"{self._site}/browse/{key}"

    @cached_property
    def _site(self) -> str:
        address = self._session.address
        return self.server().base_url.rstrip("/") if address.behind_gateway else address.url

    def _write(self, method: str, key: str, path: str, act: str, json: Any) -> None:
        self._session.do(self._writing(method, key, path, act, json))

    def _writing(self, method: str, key: str, path: str, act: str, json: Any) -> Ask:
        whole = self._path(f"/issue/{segment(key)}{path}")
        return Ask(method=method, path=whole, act=act, json=json, ticket=key)

    def _searched(self, search: Search, limit: int) -> Iterator[Issue]:
        page: Page | None = Page()
        left = limit
        while page is not None and left > 0:
            answer = self._session.ask(
                Ask(
                    method="POST",
                    path=self._dialect.search_path(),
                    act="search",
                    json=self._dialect.search_body(search, page, min(PAGE, left)),
                    reads=True,
                ),
                SearchPage,
            )
            yield from answer.issues[:left]
            left -= len(answer.issues)
            page = self._dialect.next_page(page, answer)


def _noted(properties: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": name, "value": value} for name, value in properties.items()]
