"""The stand-in is as strict as Jira, and as forgetful: else the other tests prove nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from paramedic_workers.sinks.jira.settings import JiraKind
from tests.support.jira import EMAIL, TOKEN, StandInJira, When, model
from tests.support.queueing import FakeClock

ADF = {
    "type": "doc",
    "version": 1,
    "content": [{"type": "paragraph", "content": [{"type": "text", "text": "It broke."}]}],
}
NEW = {
    "project": {"key": "SHOP"},
    "issuetype": {"name": "Bug"},
    "summary": "It broke",
    "description": ADF,
    "labels": ["paramedic-1"],
}


class Api:
    """Requests to a stand-in, with the right credentials."""

    def __init__(self, jira: StandInJira) -> None:
        cloud = jira.kind is JiraKind.CLOUD
        base = f"{jira.url}/rest/api/{3 if cloud else 2}/"
        headers = {} if cloud else {"Authorization": f"Bearer {TOKEN}"}
        auth = (EMAIL, TOKEN) if cloud else None
        self.client = httpx.Client(base_url=base, headers=headers, auth=auth, timeout=20)

    def __call__(self, method: str, path: str, json: Any = None, **more: Any) -> httpx.Response:
        return self.client.request(method, path, json=json, **more)

    def create(self, **fields: Any) -> httpx.Response:
        return self("POST", "issue", {"fields": {**NEW, **fields}})

    def found(self, jql: str, **more: Any) -> list[str]:
        answer = self("POST", "search/jql", {"jql": jql, "fields": ["summary"], **more})
        assert answer.status_code == 200, answer.text
        return [issue["key"] for issue in answer.json()["issues"]]


@pytest.fixture
def api_of() -> Iterator[Callable[[StandInJira], Api]]:
    """Opens the interface of a stand-in."""
    with ExitStack() as opened:

        def open_api(jira: StandInJira) -> Api:
            api = Api(jira)
            opened.enter_context(api.client)
            return api

        yield open_api


@pytest.fixture
def api(jira: StandInJira, api_of: Callable[[StandInJira], Api]) -> Api:
    return api_of(jira)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("summary", "two\nlines"),
        ("summary", " "),
        ("summary", "é" * 256),
        ("summary", "\N{AMBULANCE}" + "\N{GRINNING FACE}" * 128),
        ("description", "no ADF"),
        ("description", {**ADF, "content": [{"type": "text", "text": ""}]}),
        ("description", {**ADF, "content": [{"type": "text", "text": "x" * 32_767}]}),
        ("labels", ["two words"]),
        ("labels", ["x" * 256]),
        ("project", {"key": "NONE"}),
        ("issuetype", {"name": "Incident"}),
        ("priority", {"name": "Urgent"}),
        ("components", [{"name": "unknown"}]),
        ("assignee", {"accountId": "5b10a0effa615349cb016cd8"}),
        ("parent", {"key": "SHOP-404"}),
        ("customfield_10042", {"value": "Nowhere"}),
        ("customfield_10044", "12"),
        ("customfield_99999", "x"),
        ("status", {"name": "Done"}),
    ],
)
def test_a_field_that_jira_would_not_take_is_refused_by_name(
    jira: StandInJira, api: Api, field: str, value: object
) -> None:
    answer = api.create(**{field: value})
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]
    assert not jira.tickets


def test_values_at_the_limits_are_taken(jira: StandInJira, api: Api) -> None:
    assert api.create(summary="x" * 255, labels=["y" * 255]).status_code == 201
    assert len(jira.only_ticket.summary) == 255


def test_data_center_takes_wiki_text_and_other_names_of_people(
    data_center: StandInJira, api_of: Callable[[StandInJira], Api]
) -> None:
    api = api_of(data_center)
    assert api.create().status_code == 400
    made = api.create(description="h2. It broke", assignee={"name": "ada"})
    assert made.status_code == 201, made.text
    assert api.create(description="x", issuetype={"name": "Epic"}).json()["errors"]
    shown = api("GET", f"issue/{made.json()['key']}").json()
    assert shown["fields"]["assignee"]["name"] == "ada"
    found = api("GET", "search", params={"jql": "labels = paramedic-1"}).json()
    assert (found["total"], len(found["issues"])) == (1, 1)


def test_who_has_no_right_token_is_sent_away(jira: StandInJira) -> None:
    for credentials in ((EMAIL, "wrong"), ("bob@shop.example", TOKEN)):
        answer = httpx.get(f"{jira.url}/rest/api/3/myself", auth=credentials)
        assert answer.status_code == 401
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    assert httpx.get(f"{jira.url}/rest/api/3/myself", headers=bearer).status_code == 401


def test_the_old_search_is_gone_and_the_new_one_has_no_total(api: Api) -> None:
    assert api("GET", "search", params={"jql": "project = SHOP"}).status_code == 410
    assert api("POST", "search/jql", {"jql": "ORDER BY created"}).status_code == 400
    answer = api("POST", "search/jql", {"jql": "project = SHOP"}).json()
    assert answer == {"isLast": True, "issues": []}


def test_pages_of_a_search_follow_each_other(api: Api) -> None:
    for _ in range(5):
        api.create()
    asked: dict[str, Any] = {"jql": "project = SHOP ORDER BY key", "maxResults": 2}
    keys: list[str] = []
    for _ in range(3):
        page = api("POST", "search/jql", {**asked, "fields": ["labels"]}).json()
        keys += [issue["key"] for issue in page["issues"]]
        asked["nextPageToken"] = page.get("nextPageToken")
    assert keys == [f"SHOP-{number}" for number in range(1, 6)]
    assert page["isLast"]
    assert "nextPageToken" not in page


def test_the_search_lags_behind_unless_it_is_told_of_a_ticket(
    api_of: Callable[[StandInJira], Api],
) -> None:
    clock = FakeClock()
    with StandInJira.start(clock=lambda: clock().timestamp()) as jira:
        jira.search_lag = 120.0
        api = api_of(jira)
        made = api.create().json()
        assert api.found("labels = paramedic-1") == []
        assert api.found("labels = paramedic-1", reconcileIssues=[int(made["id"])]) == ["SHOP-1"]
        assert api("GET", f"issue/{made['key']}").status_code == 200
        clock.forward(121)
        assert api.found("labels = paramedic-1") == ["SHOP-1"]
        jira.delete("SHOP-1")
        assert api.found("labels = paramedic-1") == []
        too_many = {"jql": "project = SHOP", "reconcileIssues": list(range(51))}
        assert api("POST", "search/jql", too_many).status_code == 400


@pytest.mark.parametrize(
    ("jql", "keys"),
    [
        ("labels = 'paramedic-1'", ["SHOP-1", "OPS-1"]),
        ("labels = Paramedic-1", []),
        ("labels in (a, paramedic-2) AND project = SHOP", ["SHOP-2"]),
        ("project = ops OR labels = paramedic-2", ["SHOP-2", "OPS-1"]),
        ("NOT project = OPS", ["SHOP-1", "SHOP-2"]),
        ("(project = SHOP) and (labels is not EMPTY)", ["SHOP-1", "SHOP-2"]),
        ("statusCategory != Done", ["SHOP-1", "OPS-1"]),
        ("statusCategory = Done", ["SHOP-2"]),
        ("resolution = Duplicate", ["SHOP-2"]),
        # What has no resolution is not unequal to any.
        ("resolution != Done", ["SHOP-2"]),
        ("resolution not in (Done)", ["SHOP-2"]),
        ("resolution is empty", ["SHOP-1", "OPS-1"]),
        ("key = SHOP-3", ["OPS-1"]),
        ("key in (SHOP-1, OPS-1)", ["SHOP-1", "OPS-1"]),
        ("parent = SHOP-4", ["SHOP-1"]),
        ('summary ~ "broke"', ["SHOP-1", "SHOP-2", "OPS-1"]),
        ("text ~ 'it broke' AND labels = 'paramedic-2'", ["SHOP-2"]),
        ("project = SHOP AND created >= -5m", ["SHOP-1", "SHOP-2"]),
        ("created < -5m", []),
    ],
)
def test_queries_find_what_jira_would_find(
    jira: StandInJira, api: Api, jql: str, keys: list[str]
) -> None:
    for label in ("paramedic-1", "paramedic-2", "paramedic-1"):
        api.create(labels=[label])
    api.create(issuetype={"name": "Epic"}, labels=["epic"], summary="Pattern", description=None)
    api("PUT", "issue/SHOP-1", {"fields": {"parent": {"key": "SHOP-4"}}})
    jira.resolve("SHOP-2", "Duplicate")
    jira.move("SHOP-3", "OPS")
    found = api.found(jql)
    assert sorted(key for key in found if key != "SHOP-4") == sorted(keys)


@pytest.mark.parametrize("jql", ["colour = red", "project = ", "labels ~ x", "project SHOP", "a ="])
def test_what_is_no_query_is_refused(api: Api, jql: str) -> None:
    assert api("POST", "search/jql", {"jql": jql}).status_code == 400


def test_tickets_go_through_their_workflow(jira: StandInJira, api: Api) -> None:
    jira.projects["SHOP"].workflow = model.RESOLVING_WORKFLOW
    api.create()

    def move(identity: str, **fields: object) -> int:
        body = {"transition": {"id": identity}, "fields": fields}
        return api("POST", "issue/SHOP-1/transitions", body).status_code

    listed = api("GET", "issue/SHOP-1/transitions", params={"expand": "transitions.fields"})
    ways = {way["id"]: way for way in listed.json()["transitions"]}
    assert list(ways) == ["4", "5"]
    assert ways["5"]["to"]["statusCategory"]["key"] == "done"
    assert ways["5"]["fields"]["resolution"]["required"]
    assert (move("7"), move("5"), move("99")) == (400, 400, 400)
    assert move("5", resolution={"name": "Fixed"}) == 204
    assert (jira.only_ticket.status, jira.only_ticket.resolution) == ("Erledigt", "Fixed")
    assert move("7") == 204
    assert (jira.only_ticket.status, jira.only_ticket.resolution) == ("Offen", None)


def test_a_moved_ticket_answers_to_its_old_key(jira: StandInJira, api: Api) -> None:
    made = api.create().json()
    jira.move("SHOP-1", "OPS")
    for name in ("SHOP-1", "OPS-1", made["id"]):
        assert api("GET", f"issue/{name}").json()["key"] == "OPS-1"
    assert api("PUT", "issue/SHOP-1", {"fields": {"summary": "New"}}).status_code == 204
    jira.delete("OPS-1")
    assert api("GET", "issue/SHOP-1").status_code == 404


def test_what_hangs_on_a_ticket(jira: StandInJira, api: Api) -> None:
    api.create()
    mark = [{"key": "paramedic", "value": {"result": "1"}}]
    assert api("POST", "issue/SHOP-1/comment", {"body": ADF, "properties": mark}).is_success
    assert api("POST", "issue/SHOP-1/comment", {"body": "text"}).status_code == 400
    plain = api("GET", "issue/SHOP-1/comment").json()["comments"][0]
    full = api("GET", "issue/SHOP-1/comment", params={"expand": "properties"}).json()
    assert "properties" not in plain
    assert full["comments"][0]["properties"] == mark

    link = {"globalId": "branch", "object": {"url": "https://git.example/a", "title": "Branch"}}
    statuses = [api("POST", "issue/SHOP-1/remotelink", link).status_code for _ in range(2)]
    assert statuses == [201, 200]
    assert len(jira.only_ticket.remote_links) == 1

    wide = {"a": "x" * 32_768}
    assert api("PUT", "issue/SHOP-1/properties/p", wide).status_code == 400
    assert api("PUT", "issue/SHOP-1/properties/p", {"a": 1}).status_code == 201
    assert api("GET", "issue/SHOP-1/properties/p").json() == {"key": "p", "value": {"a": 1}}


def test_files_are_taken_as_jira_takes_them(jira: StandInJira, api: Api) -> None:
    api.create()
    path, token = "issue/SHOP-1/attachments", {"X-Atlassian-Token": "no-check"}
    content = b"a\r\n--b\r\n\r\n"
    file = {"file": ("heal.log", content, "text/plain")}
    assert api("POST", path, files=file).status_code == 403
    assert api("POST", path, headers=token, files={"other": file["file"]}).status_code == 400
    bare = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nb\r\n--x--\r\n'
    kind = {**token, "Content-Type": "multipart/form-data; boundary=x"}
    assert api("POST", path, headers=kind, content=bare).status_code == 400
    (shown,) = api("POST", path, headers=token, files=file).json()
    assert (shown["filename"], shown["size"]) == ("heal.log", len(content))
    assert jira.content(jira.only_ticket, "heal.log") == content
    elsewhere = api("GET", shown["content"])
    assert elsewhere.status_code == 303
    assert httpx.get(elsewhere.headers["location"]).content == content
    assert httpx.get(elsewhere.headers["location"], auth=(EMAIL, TOKEN)).status_code == 400


def test_faults_strike_before_or_after_the_act(jira: StandInJira, api: Api) -> None:
    jira.faults.drop_before(method="POST")
    with pytest.raises(httpx.TransportError):
        api.create()
    assert not jira.tickets
    jira.faults.drop_after(method="POST")
    with pytest.raises(httpx.TransportError):
        api.create()
    assert len(jira.tickets) == 1
    jira.faults.answer_after(502, path="/issue$")
    assert api.create().status_code == 502
    assert len(jira.tickets) == 2
    jira.faults.too_many("jira-quota-tenant-based", retry_after=7)
    refused = api.create()
    headers = refused.headers
    assert (refused.status_code, headers["retry-after"]) == (429, "7")
    assert headers["ratelimit-reason"] == "jira-quota-tenant-based"
    jira.faults.slow(5.0, when=When.AFTER)
    with pytest.raises(httpx.ReadTimeout):
        api("POST", "issue", {"fields": NEW}, timeout=0.2)
    assert len(jira.tickets) == 3
    with jira.down(), pytest.raises(httpx.ConnectError):
        api.create()
    assert api.create().status_code == 201
    assert [r.status for r in jira.asked("POST")] == [0, 0, 502, 429, 201]


def test_limits_are_those_of_jira_cloud(api_of: Callable[[StandInJira], Api]) -> None:
    clock = FakeClock()
    with StandInJira.start(clock=lambda: clock().timestamp()) as jira:
        jira.limits.as_cloud()
        api = api_of(jira)
        api.create()
        clock.forward(1)

        def write() -> httpx.Response:
            return api("PUT", "issue/SHOP-1", {"fields": {"summary": "x"}})

        assert [write().status_code for _ in range(20)] == [204] * 20
        refused = write()
        assert refused.status_code == 429
        assert refused.headers["ratelimit-reason"] == "jira-per-issue-on-write"
        clock.forward(float(refused.headers["retry-after"]))
        assert write().status_code == 204
        answers = [api("GET", "myself") for _ in range(101)]
        assert [one.status_code for one in answers] == [200] * 100 + [429]
        assert answers[-1].headers["ratelimit-reason"] == "jira-burst-based"
        assert api("GET", "serverInfo").status_code == 200


@pytest.fixture
def run_process(tmp_path: Path) -> Iterator[Callable[[int], tuple[subprocess.Popen[str], str]]]:
    """Starts the stand-in as a process; gives it with its address."""
    running: list[subprocess.Popen[str]] = []

    def run(port: int) -> tuple[subprocess.Popen[str], str]:
        command = [sys.executable, "-m", "tests.support.jira", "--port", str(port)]
        command += ["--state", str(tmp_path / "state")]
        running.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        output = running[-1].stdout
        assert output is not None
        return running[-1], output.readline().strip()

    yield run
    for process in running:
        process.kill()
        process.communicate()


def test_as_a_process_it_keeps_its_state_when_it_is_killed(
    run_process: Callable[[int], tuple[subprocess.Popen[str], str]],
) -> None:
    process, url = run_process(0)
    with httpx.Client(base_url=f"{url}/rest/api/3/", auth=(EMAIL, TOKEN)) as client:
        client.post("issue", json={"fields": NEW})
        files = {"file": ("heal.log", b"log", "text/plain")}
        token = {"X-Atlassian-Token": "no-check"}
        client.post("issue/SHOP-1/attachments", headers=token, files=files)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    _, again = run_process(int(url.rpartition(":")[2]))
    assert again == url
    with httpx.Client(base_url=f"{url}/rest/api/3/", auth=(EMAIL, TOKEN)) as client:
        (file,) = client.get("issue/SHOP-1").json()["fields"]["attachment"]
        path = f"attachment/content/{file['id']}"
        assert client.get(path, params={"redirect": "false"}).content == b"log"
        assert client.post("issue", json={"fields": NEW}).json()["key"] == "SHOP-2"
