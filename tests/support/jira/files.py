"""The endpoints for attachments."""

from __future__ import annotations

from tests.support.jira.answers import Answer, Refused
from tests.support.jira.area import Area
from tests.support.jira.model import (
    StandInAttachment,
)
from tests.support.jira.multipart import parts_of
from tests.support.jira.request import Request

GREATEST_ATTACHMENT = 10 * 1024 * 1024


class Files(Area):
    """Attachments."""

    def attach(self, request: Request, name: str) -> Answer:
        ticket = self._to_write(name)
        if request.headers.get("x-atlassian-token") != "no-check":
            raise Refused(403, "XSRF check failed")
        parts = parts_of(request.headers.get("content-type", ""), request.body)
        if any(part.field != "file" or not part.filename for part in parts) or not parts:
            raise Refused(400, "No attachment was found in the part 'file'.")
        if any(not part.media_type for part in parts):
            raise Refused(400, "The stand-in wants a Content-Type for each part.")
        if any(len(part.content) > GREATEST_ATTACHMENT for part in parts):
            raise Refused(413, "The attachment is too large.")
        added = []
        for part in parts:
            identity, size, now = self._state.next_id(), len(part.content), self._state.clock()
            added.append(StandInAttachment(identity, part.filename, part.media_type, size, now))
            self._state.keep(identity, part.content)
        ticket.attachments.extend(added)
        self._changed(ticket)
        return Answer(200, [self._shows.attachment(one) for one in added])

    def download(self, request: Request, identity: str) -> Answer:
        if request.query.get("redirect") == ["false"]:
            return self.content(identity)
        if identity not in self._state.contents:
            raise Refused(404, f"The attachment with id '{identity}' does not exist.")
        # As Cloud does it: the file lies at another host, by an address that is its own key.
        elsewhere = self._url.replace("127.0.0.1", "localhost")
        return Answer(303, None, {"Location": f"{elsewhere}/media/{identity}"})

    def media(self, request: Request, identity: str) -> Answer:
        if "authorization" in request.headers:
            raise Refused(400, "Credentials of Jira do not belong here.")
        return self.content(identity)

    def content(self, identity: str) -> Answer:
        if identity not in self._state.contents:
            raise Refused(404, f"The attachment with id '{identity}' does not exist.")
        return Answer(200, self._state.contents[identity])
