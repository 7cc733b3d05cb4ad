"""The endpoints for what hangs on tickets: comments, links, properties."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.support.jira import places
from tests.support.jira.answers import Answer, Refused, missing
from tests.support.jira.area import Area, taken_properties
from tests.support.jira.fields import taken_text
from tests.support.jira.model import (
    Json,
    StandInComment,
    StandInRemoteLink,
    StandInTicket,
)
from tests.support.jira.request import Request


class Hanging(Area):
    """What hangs on tickets."""

    def comments(self, request: Request, name: str) -> Answer:
        ticket = self._state.ticket(name)
        start, most = request.number("startAt", 0), min(request.number("maxResults", 50), 100)
        properties = "properties" in request.words("expand")
        ordered = list(ticket.comments)
        if request.words("orderBy") == ["-created"]:
            ordered.reverse()
        chosen = ordered[start : start + most]
        shown = [self._shows.comment(ticket, one, properties) for one in chosen]
        page = {"startAt": start, "maxResults": most, "total": len(ordered)}
        return Answer(200, {**page, "comments": shown})

    def comment(self, request: Request, name: str) -> Answer:
        ticket, body = self._to_write(name), request.members()
        text = self._text(body)
        comment = StandInComment(
            id=self._state.next_id(),
            body=text,
            created=self._state.clock(),
            properties=taken_properties(body.get("properties")),
        )
        ticket.comments.append(comment)
        self._changed(ticket)
        return Answer(201, self._shows.comment(ticket, comment, False))

    def edit_comment(self, request: Request, name: str, identity: str) -> Answer:
        ticket = self._to_write(name)
        for comment in ticket.comments:
            if comment.id == identity:
                comment.body = self._text(request.members())
                self._changed(ticket)
                return Answer(200, self._shows.comment(ticket, comment, False))
        raise Refused(404, f"Can not find a comment for the id: {identity}.")

    def _text(self, body: Json) -> Any:
        if not body.get("body"):
            raise Refused(400, errors={"comment": "Comment body can not be empty!"})
        return taken_text(self._state.kind, body["body"])

    def remote_links(self, request: Request, name: str) -> Answer:
        ticket = self._state.ticket(name)
        wanted = request.query.get("globalId")
        if not wanted:
            links = ticket.remote_links
            return Answer(200, [self._shows.remote_link(ticket, link) for link in links])
        for link in ticket.remote_links:
            if link.global_id == wanted[0]:
                return Answer(200, self._shows.remote_link(ticket, link))
        raise Refused(404, f"No remote link with global id '{wanted[0]}'.")

    def put_remote_link(self, request: Request, name: str) -> Answer:
        ticket, body = self._to_write(name), request.members()
        target = body.get("object")
        if not isinstance(target, Mapping) or not target.get("url") or not target.get("title"):
            raise Refused(400, errors={"title": "'title' and 'url' are required."})
        global_id = str(body.get("globalId") or "")
        if len(global_id) > 255 or len(str(target["title"])) > 255:
            raise Refused(400, errors={"globalId": "'globalId' and 'title': at most 255."})
        known = {link.global_id: link for link in ticket.remote_links if link.global_id}
        link = known.get(global_id)
        status = 200 if link else 201
        if link is None:
            identity = int(self._state.next_id())
            link = StandInRemoteLink(identity, global_id, {})
            ticket.remote_links.append(link)
        link.object = dict(target)
        link.relationship = str(body.get("relationship") or "")
        self._changed(ticket)
        shown = self._shows.remote_link(ticket, link)
        return Answer(status, {"id": shown["id"], "self": shown["self"]})

    def property(self, _request: Request, name: str, key: str) -> Answer:
        ticket = self._state.ticket(name)
        if key not in ticket.properties:
            raise Refused(404, f"The property with key: {key} does not exist.")
        return Answer(200, {"key": key, "value": ticket.properties[key]})

    def set_property(self, request: Request, name: str, key: str) -> Answer:
        ticket = self._to_write(name)
        value = taken_properties([{"key": key, "value": request.json()}])
        status = 200 if key in ticket.properties else 201
        ticket.properties |= value
        self._changed(ticket)
        return Answer(status)

    def link_types(self, _request: Request) -> Answer:
        names = ("id", "name", "inward", "outward")
        types = [dict(zip(names, one, strict=True)) for one in places.LINK_TYPES]
        return Answer(200, {"issueLinkTypes": types})

    def link(self, request: Request) -> Answer:
        body = request.members()
        given = body.get("type") or {}
        for identity, name, *_ in places.LINK_TYPES:
            if given.get("name") == name or given.get("id") == identity:
                ends = [self._end(body.get(side)) for side in ("inwardIssue", "outwardIssue")]
                for ticket in ends:
                    self._limits.check_write(ticket.id)
                self._state.link(name, *ends)
                for ticket in ends:
                    self._changed(ticket)
                return Answer(201)
        raise Refused(404, f"No issue link type with name '{given.get('name')}' found.")

    def _end(self, given: Any) -> StandInTicket:
        name = (given.get("key") or given.get("id")) if isinstance(given, Mapping) else None
        if not name:
            raise missing()
        return self._state.ticket(str(name))
