"""Judges what is said to Jira, and what it answers, by Atlassian's own documents.

They are not part of the project: the variable `PARAMEDIC_JIRA_CONTRACT` names the folder that
has them: `jira-contract-small.json` (OpenAPI of Jira Cloud's API v3, cut down to the part with
tickets, projects and fields) and `adf-full.json` (schema of the Atlassian Document Format).
Where it is not set, `NEEDS_CONTRACT` skips a test, and says so.

    client = JiraClient.open(settings, environ, judging(httpx.HTTPTransport()))

fails at the first request, or answer, that breaks the contract.
"""

from __future__ import annotations

import functools
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from jsonschema import Draft4Validator, ValidationError
from jsonschema.validators import extend
from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError
from werkzeug.datastructures import ImmutableMultiDict

from paramedic_workers.sinks.jira.exchange import Exchange
from paramedic_workers.sinks.jira.settings import JiraKind

VARIABLE = "PARAMEDIC_JIRA_CONTRACT"
#: Skips a test where the documents are not there.
NEEDS_CONTRACT = pytest.mark.skipif(
    not os.environ.get(VARIABLE),
    reason=f"Jira's contract is not judged: {VARIABLE} names no folder",
)
#: Addresses of Jira that we use and the cut-down document has not.
NOT_IN_CONTRACT = re.compile(
    r"/rest/api/3/(attachment/content/[^/]+|mypermissions|user/assignable/search)"
)
#: Of all operations of the document, the way in which we log in.
_LOGIN: list[dict[str, list[str]]] = [{"basicAuth": []}]
#: Where the document says that Jira is.
_SITE = "https://your-domain.atlassian.net"


class BreaksContract(AssertionError):
    """Something that was said to Jira, or by it, is not as Atlassian's documents say."""


class Contract:
    """Atlassian's documents."""

    def __init__(self, folder: Path) -> None:
        document = _read(folder / "jira-contract-small.json")
        for operations in document["paths"].values():
            for operation in operations.values():
                operation["security"] = _LOGIN
        del document["components"]["securitySchemes"]["OAuth2"]
        self._paths: dict[str, Any] = document["paths"]
        self._openapi = OpenAPI.from_dict(
            document,
            config=Config(
                # The document itself is not judged: one of its defaults is none of its values.
                spec_validator_cls=cast("Any", None),
                # Jira writes `+0000`, and its own document would have `+00:00`.
                extra_format_validators={"date-time": _is_moment},
            ),
        )
        self._adf = _QuickValidator(_read(folder / "adf-full.json"))

    def judge_request(self, request: httpx.Request) -> None:
        """Find fault with a request.

        Raises:
            BreaksContract: it has one.
        """
        asked = _Request(request)
        if NOT_IN_CONTRACT.fullmatch(asked.path):
            return
        try:
            self._openapi.validate_request(asked)
        except OpenAPIError as error:
            raise BreaksContract(_told(asked, error)) from error
        self._judge_query(asked)
        if asked.content_type.startswith("application/json"):
            for document in _documents(json.loads(asked.body)):
                self.judge_document(document)
        elif asked.body:
            _judge_parts(asked)

    def judge_answer(self, request: httpx.Request, answer: httpx.Response) -> None:
        """Find fault with an answer, which was read.

        Raises:
            BreaksContract: it has one.
        """
        asked = _Request(request)
        if NOT_IN_CONTRACT.fullmatch(asked.path):
            return
        try:
            self._openapi.validate_response(asked, _Answer(answer))
        except OpenAPIError as error:
            raise BreaksContract(f"{answer.status_code} {_told(asked, error)}") from error

    def judge_document(self, document: Any) -> None:
        """Find fault with a document of the Atlassian Document Format.

        Raises:
            BreaksContract: it has one.
        """
        found = next(self._adf.iter_errors(document), None)
        if found is not None:
            raise BreaksContract(f"ADF, {found.json_path}: {found.message[:500]}")

    def _judge_query(self, asked: _Request) -> None:
        """Parameters that the document does not have; the library ignores them."""
        operations = next(one for path, one in self._paths.items() if _matches(path, asked.path))
        declared = operations[asked.method].get("parameters", [])
        known = {one["name"] for one in declared if one["in"] == "query"}
        unknown = asked.parameters.query.keys() - known
        if unknown:
            raise BreaksContract(f"{asked.method} {asked.path}: no such parameter: {unknown}")


def _first_fit(
    validator: Any, alternatives: list[Any], instance: Any, _schema: Any
) -> Iterator[ValidationError]:
    """`anyOf`, as the schema of ADF uses it: for nodes, which say of what type they are.

    The usual one collects the errors of all alternatives, of all their alternatives, and so on:
    seconds for a page of text.
    """
    for one in alternatives:
        if not any(True for _ in validator.descend(instance, one)):
            return
    kind = instance.get("type") if isinstance(instance, dict) else instance
    yield ValidationError(f"{str(kind)[:100]!r} is none of the {len(alternatives)} alternatives")


def _type_first(
    validator: Any, properties: dict[str, Any], instance: Any, schema: Any
) -> Iterator[ValidationError]:
    """`properties`, the type of a node first: most alternatives end there."""
    ordered = dict(sorted(properties.items(), key=lambda one: one[0] != "type"))
    yield from Draft4Validator.VALIDATORS["properties"](validator, ordered, instance, schema)


_QuickValidator = extend(  # type: ignore[no-untyped-call]  # the library's
    Draft4Validator, {"anyOf": _first_fit, "properties": _type_first}
)


class _Request:
    """A request as openapi-core takes one."""

    def __init__(self, request: httpx.Request) -> None:
        self.host_url = _SITE
        self.path = request.url.path
        self.method = request.method.lower()
        self.body = request.read()
        self.content_type = request.headers.get("Content-Type", "")
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(request.url.params.multi_items()),
            header=request.headers,
            cookie={},
            path={},
        )


class _Answer:
    """An answer as openapi-core takes one."""

    def __init__(self, answer: httpx.Response) -> None:
        self.status_code = answer.status_code
        self.headers = dict(answer.headers)
        # The document has JSON of any form where Jira sends nothing.
        self.data = answer.content or b"null"
        json_type = "application/json"
        self.content_type = answer.headers.get("Content-Type", "") or json_type


class _Judging(httpx.BaseTransport):
    def __init__(self, inner: httpx.BaseTransport, contract: Contract) -> None:
        self._inner = inner
        self._contract = contract

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._contract.judge_request(request)
        answer = self._inner.handle_request(request)
        answer.read()
        self._contract.judge_answer(request, answer)
        return answer

    def close(self) -> None:
        self._inner.close()


def judging(inner: httpx.BaseTransport) -> httpx.BaseTransport:
    """A transport that lets nothing pass that breaks the contract.

    Where the documents are not there, everything passes.
    """
    contract = the_contract()
    return inner if contract is None else _Judging(inner, contract)


@contextmanager
def judging_everything(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Judge what every client of the block says to a Jira Cloud, and its answers of success.

    Where the documents are not there, everything passes.

    Raises:
        BreaksContract: something broke it, though whoever asked may have made nothing of it.
    """
    contract = the_contract()
    if contract is None:
        yield
        return
    breaches: list[BreaksContract] = []
    opened = Exchange._new_client

    def judged(exchange: Exchange) -> httpx.Client:
        client = opened(exchange)
        if exchange._address.kind is JiraKind.CLOUD:
            client._transport = _Noting(client._transport, contract, breaches)
        return client

    monkeypatch.setattr(Exchange, "_new_client", judged)
    yield
    if breaches:
        raise breaches[0]


class _Noting(_Judging):
    """Notes breaches, and does not judge what the stand-in was told to do wrong."""

    def __init__(
        self, inner: httpx.BaseTransport, contract: Contract, breaches: list[BreaksContract]
    ) -> None:
        super().__init__(inner, contract)
        self._breaches = breaches

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        try:
            self._contract.judge_request(request)
            answer = self._inner.handle_request(request)
            if answer.is_success:
                answer.read()
                self._contract.judge_answer(request, answer)
        except BreaksContract as breach:
            self._breaches.append(breach)
            raise
        return answer


@functools.cache
def the_contract() -> Contract | None:
    """Atlassian's documents, or None where they are not there."""
    folder = os.environ.get(VARIABLE)
    return Contract(Path(folder)) if folder else None


def _is_moment(value: object) -> bool:
    return isinstance(value, str) and datetime.fromisoformat(value) is not None


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _matches(template: str, path: str) -> bool:
    return re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path) is not None


def _told(asked: _Request, error: BaseException) -> str:
    """The request, and every reason that led to the error."""
    reasons = [f"{type(one).__name__}: {str(one)[:500]}" for one in _chain(error)]
    return f"{asked.method} {asked.path}: {' <- '.join(reasons)}"


def _chain(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    while link is not None:
        yield link
        yield from getattr(link, "schema_errors", ())
        link = link.__cause__


def _documents(body: Any) -> Iterator[Any]:
    """The documents in a request: of the description, of a comment."""
    if not isinstance(body, dict):
        return
    fields = body.get("fields")
    texts = [body.get("body")]
    texts += fields.values() if isinstance(fields, dict) else []
    yield from (one for one in texts if isinstance(one, dict) and one.get("type") == "doc")


def _judge_parts(asked: _Request) -> None:
    """Each part of a form says of what type it is: some readers break over one that does not."""
    heads = [part.partition(b"\r\n\r\n")[0] for part in asked.body.split(b"\r\n--")]
    bare = [head for head in heads if b"name=" in head and b"Content-Type:" not in head]
    if bare:
        raise BreaksContract(f"{asked.path}: a part has no Content-Type: {bare[0]!r}")
