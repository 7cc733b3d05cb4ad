"""The parts of a multipart body."""

from __future__ import annotations

from dataclasses import dataclass
from email.parser import BytesHeaderParser
from email.policy import HTTP

from tests.support.jira.answers import Refused


@dataclass(frozen=True)
class Part:
    """One part."""

    field: str
    filename: str
    #: Empty where the part does not say.
    media_type: str
    content: bytes


def parts_of(content_type: str, body: bytes) -> list[Part]:
    """The parts of a body.

    Raises:
        Refused: 415 or 400, it is no multipart body.
    """
    header = BytesHeaderParser(policy=HTTP).parsebytes(f"Content-Type: {content_type}".encode())
    boundary = header.get_boundary()
    if header.get_content_type() != "multipart/form-data" or not boundary:
        raise Refused(415, "Unsupported Media Type")
    chunks = (b"\r\n" + body).split(b"\r\n--" + boundary.encode())
    if len(chunks) < 3 or not chunks[-1].startswith(b"--"):
        raise Refused(400, "The multipart body is cut off.")
    return [_part(chunk) for chunk in chunks[1:-1]]


def _part(chunk: bytes) -> Part:
    head, _, content = chunk.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    headers = BytesHeaderParser(policy=HTTP).parsebytes(head)
    named = headers.get("Content-Type")
    return Part(
        field=str(headers.get_param("name", "", "Content-Disposition")),
        filename=headers.get_filename() or "",
        media_type=str(named) if named else "",
        content=content,
    )
