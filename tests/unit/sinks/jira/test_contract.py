"""Every request of the client is as Atlassian's own document has it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from paramedic_workers.sinks.jira.answers import Attachment
from paramedic_workers.sinks.jira.client import JiraClient
from tests.support.jira_clients import CLOUD_URL, FIELDS, TEXT, Act, mocked
from tests.support.jira_contract import (
    NEEDS_CONTRACT,
    NOT_IN_CONTRACT,
    BreaksContract,
    judging,
    the_contract,
)

pytestmark = NEEDS_CONTRACT

ADF = {
    "type": "doc",
    "version": 1,
    "content": [{"type": "paragraph", "content": [{"type": "text", "text": "It fails."}]}],
}

#: Each method, what it asks, and a right answer: method, path, status, body.
ACTS: dict[str, tuple[Act, str, str, int, Any]] = {
    "myself": (lambda jira: jira.myself(), "GET", "/myself", 200, {"accountId": "5b1"}),
    "server": (lambda jira: jira.server(), "GET", "/serverInfo", 200, {"baseUrl": CLOUD_URL}),
    "project": (
        lambda jira: jira.project("SHOP"),
        "GET",
        "/project/SHOP",
        200,
        {"id": "1", "key": "SHOP"},
    ),
    "statuses": (lambda jira: jira.statuses("SHOP"), "GET", "/project/SHOP/statuses", 200, []),
    "issue_types": (
        lambda jira: jira.issue_types("SHOP"),
        "GET",
        "/issue/createmeta/SHOP/issuetypes",
        200,
        {"issueTypes": [{"id": "1", "name": "Bug"}]},
    ),
    "create_fields": (
        lambda jira: jira.create_fields("SHOP", "1"),
        "GET",
        "/issue/createmeta/SHOP/issuetypes/1",
        200,
        {"fields": []},
    ),
    "fields": (lambda jira: jira.fields(), "GET", "/field", 200, [{"id": "summary"}]),
    "link_types": (
        lambda jira: jira.link_types(),
        "GET",
        "/issueLinkType",
        200,
        {"issueLinkTypes": []},
    ),
    "create": (
        lambda jira: jira.create(FIELDS | {"description": jira.text(TEXT)}, {"paramedic": {}}),
        "POST",
        "/issue",
        201,
        {"id": "1", "key": "SHOP-1"},
    ),
    "issue": (
        lambda jira: jira.issue("SHOP-1", ("summary", "labels"), ("paramedic",)),
        "GET",
        "/issue/SHOP-1",
        200,
        {"id": "1", "key": "SHOP-1"},
    ),
    "update": (
        lambda jira: jira.update(
            "SHOP-1",
            {"summary": "It still fails", "description": jira.text(TEXT)},
            {"labels": [{"add": "paramedic"}]},
            {"paramedic": {}},
        ),
        "PUT",
        "/issue/SHOP-1",
        204,
        None,
    ),
    "search": (
        lambda jira: list(
            jira.search('labels = "x"', ("summary",), reconcile=["1"], properties=("paramedic",))
        ),
        "POST",
        "/search/jql",
        200,
        {"issues": [{"id": "1", "key": "SHOP-1"}], "isLast": True},
    ),
    "transitions": (
        lambda jira: jira.transitions("SHOP-1"),
        "GET",
        "/issue/SHOP-1/transitions",
        200,
        {"transitions": [{"id": "31", "name": "Done"}]},
    ),
    "transition": (
        lambda jira: jira.transition("SHOP-1", "31", {"resolution": {"name": "Done"}}),
        "POST",
        "/issue/SHOP-1/transitions",
        204,
        None,
    ),
    "comments": (
        lambda jira: jira.comments("SHOP-1"),
        "GET",
        "/issue/SHOP-1/comment",
        200,
        {"comments": []},
    ),
    "comment": (
        lambda jira: jira.comment("SHOP-1", TEXT, {"paramedic": {"result": "1"}}),
        "POST",
        "/issue/SHOP-1/comment",
        201,
        {"id": "7", "body": ADF},
    ),
    "attach": (
        lambda jira: jira.attach(
            "SHOP-1",
            [("heal.log", b"\x00\xff\r\n", "text/plain"), ("fix.patch", b"", "text/x-diff")],
        ),
        "POST",
        "/issue/SHOP-1/attachments",
        200,
        [{"id": "9", "filename": "heal.log"}, {"id": "10", "filename": "fix.patch"}],
    ),
    "put_remote_link": (
        lambda jira: jira.put_remote_link(
            "SHOP-1", "paramedic:branch", "https://x.example", "Branch", summary="s", resolved=True
        ),
        "POST",
        "/issue/SHOP-1/remotelink",
        201,
        {"id": 5},
    ),
    "link": (
        lambda jira: jira.link("Duplicate", "SHOP-2", "SHOP-1"),
        "POST",
        "/issueLink",
        201,
        None,
    ),
}
#: Methods whose requests the cut-down document does not have.
UNJUDGED: dict[str, tuple[Act, str, Any]] = {
    "permissions": (
        lambda jira: jira.permissions("SHOP", ["CREATE_ISSUES"]),
        "/mypermissions",
        {"permissions": {}},
    ),
    "may_be_assigned": (
        lambda jira: jira.may_be_assigned("SHOP", "5b1"),
        "/user/assignable/search",
        [],
    ),
    "download": (
        lambda jira: jira.download(Attachment(id="9")),
        "/attachment/content/9",
        {},
    ),
}
#: What asks nothing by itself.
SILENT = {"open", "close", "within", "text", "person", "browse_url", "kind"}


@pytest.mark.parametrize("name", ACTS)
def test_each_request_is_as_the_contract_has_it(name: str) -> None:
    act, method, path, status, body = ACTS[name]

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(f"{request.method} {request.url.path}")
        return httpx.Response(status, json=body) if body is not None else httpx.Response(status)

    asked: list[str] = []
    act(mocked(judging(httpx.MockTransport(answer))))
    assert asked == [f"{method} /rest/api/3{path}"]


@pytest.mark.parametrize("name", UNJUDGED)
def test_what_the_cut_down_contract_does_not_have_is_named(name: str) -> None:
    act, path, body = UNJUDGED[name]
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(200, json=body)

    act(mocked(answer))
    assert asked == [f"/rest/api/3{path}"]
    assert NOT_IN_CONTRACT.fullmatch(asked[0])


def test_every_method_of_the_client_is_judged_or_named() -> None:
    public = {name for name in dir(JiraClient) if not name.startswith("_")}
    assert public - SILENT == ACTS.keys() | UNJUDGED.keys()


@pytest.mark.parametrize(
    "fields",
    [
        FIELDS | {"summary": "two\nlines"},
        FIELDS | {"summary": "x" * 256},
        FIELDS | {"summary": ""},
        FIELDS | {"labels": ["has a space"]},
        FIELDS | {"description": "wiki text"},
        FIELDS | {"description": {"type": "doc", "version": 1, "content": [{"type": "odd"}]}},
        {"summary": "no project"},
    ],
)
def test_the_contract_finds_fault_with_what_jira_would_refuse(fields: dict[str, Any]) -> None:
    with pytest.raises(BreaksContract):
        mocked(judging(httpx.MockTransport(lambda _: httpx.Response(500)))).create(fields)


@pytest.mark.parametrize(
    "request_",
    [
        httpx.Request(
            "GET", f"{CLOUD_URL}/rest/api/3/search?jql=a", headers={"Authorization": "Basic x"}
        ),
        httpx.Request(
            "GET", f"{CLOUD_URL}/rest/api/3/myself?odd=1", headers={"Authorization": "Basic x"}
        ),
        httpx.Request("GET", f"{CLOUD_URL}/rest/api/3/myself"),
        httpx.Request(
            "POST",
            f"{CLOUD_URL}/rest/api/3/issue/SHOP-1/attachments",
            files={"file": ("heal.log", b"x")},
            headers={"Authorization": "Basic x"},
        ),
    ],
    ids=["gone search", "unknown parameter", "no login", "attachment without its header"],
)
def test_the_contract_finds_fault_with_how_it_is_asked(request_: httpx.Request) -> None:
    contract = the_contract()
    assert contract is not None
    with pytest.raises(BreaksContract):
        contract.judge_request(request_)


def test_the_contract_finds_fault_with_an_answer() -> None:
    odd = httpx.MockTransport(lambda _: httpx.Response(200, json={"comments": "none"}))
    with pytest.raises(BreaksContract):
        mocked(judging(odd)).comments("SHOP-1")
