"""The client of Jira: what it asks, and what it makes of answers."""

from __future__ import annotations

import httpx
import pytest

from paramedic_workers.errors import (
    DeliveryError,
    SinkUnavailable,
)
from paramedic_workers.sinks.jira.answers import Attachment, StatusCategory
from paramedic_workers.sinks.jira.client import JiraClient
from paramedic_workers.sinks.jira.settings import JiraKind, JiraSettings
from tests.support.jira_clients import (
    CLOUD_URL,
    DATA_CENTER_URL,
    FIELDS,
    TEXT,
    TOKEN,
    Jira,
    mocked,
    says,
)

KINDS = pytest.mark.parametrize("kind", JiraKind)


@KINDS
def test_every_request_carries_who_we_are_and_names_the_right_version(kind: JiraKind) -> None:
    jira = Jira(says({}))
    mocked(jira, kind).myself()
    (asked,) = jira.asked
    cloud = kind is JiraKind.CLOUD
    assert asked.headers["Authorization"].startswith("Basic " if cloud else "Bearer ")
    assert str(asked.url) == (
        f"{CLOUD_URL}/rest/api/3/myself" if cloud else f"{DATA_CENTER_URL}/rest/api/2/myself"
    )


def test_no_session_outlives_the_token_and_no_small_answer_becomes_a_huge_one() -> None:
    jira = Jira(says({}, 200, **{"Set-Cookie": "JSESSIONID=1; Path=/"}))
    client = mocked(jira)
    client.myself()
    client.myself()
    assert "Cookie" not in jira.asked[1].headers
    assert jira.asked[1].headers["Accept-Encoding"] == "identity"


@KINDS
def test_a_text_and_a_person_are_written_in_the_way_of_the_kind(kind: JiraKind) -> None:
    client = mocked(Jira(says({})), kind)
    cloud = kind is JiraKind.CLOUD
    assert isinstance(client.text(TEXT), dict if cloud else str)
    assert client.person("ada") == ({"accountId": "ada"} if cloud else {"name": "ada"})


def test_a_ticket_is_made_with_its_properties() -> None:
    jira = Jira(says({"id": "10001", "key": "SHOP-1"}, 201))
    made = mocked(jira).create(FIELDS, {"paramedic": {"fingerprint": "f"}})
    assert (made.key, made.id) == ("SHOP-1", "10001")
    assert jira.body() == {
        "fields": FIELDS,
        "properties": [{"key": "paramedic", "value": {"fingerprint": "f"}}],
    }


def test_one_put_changes_fields_labels_and_properties() -> None:
    jira = Jira(httpx.Response(204))
    mocked(jira).update("SHOP-1", {"summary": "s"}, {"labels": [{"add": "x"}]}, {"p": 1})
    assert jira.paths == ["PUT /rest/api/3/issue/SHOP-1"]
    assert jira.body() == {
        "fields": {"summary": "s"},
        "update": {"labels": [{"add": "x"}]},
        "properties": [{"key": "p", "value": 1}],
    }


def test_half_a_character_does_not_stop_a_ticket() -> None:
    jira = Jira(says({"id": "1", "key": "SHOP-1"}, 201))
    mocked(jira).create(FIELDS | {"summary": "broken \ud83d here"})
    assert jira.body()["fields"]["summary"] == "broken ? here"


def test_a_key_cannot_lead_to_another_address() -> None:
    jira = Jira(says({"id": "1", "key": "SHOP-1"}))
    mocked(jira).issue("SHOP-1/../../secrets?x#y")
    assert jira.asked[0].url.raw_path.startswith(
        b"/rest/api/3/issue/SHOP-1%2F..%2F..%2Fsecrets%3Fx%23y?"
    )
    with pytest.raises(ValueError, match="path"):
        mocked(jira).issue("..")


def test_a_moved_ticket_is_told_by_its_new_key_and_a_missing_one_is_none() -> None:
    moved = mocked(Jira(says({"id": "10001", "key": "OPS-7"}))).issue("SHOP-1")
    assert moved is not None
    assert moved.key == "OPS-7"
    assert mocked(Jira(says({"errorMessages": ["gone"]}, 404))).issue("SHOP-1") is None
    assert mocked(Jira(says({}, 404))).project("SHOP") is None


def test_the_fields_of_a_ticket_have_one_name_each_and_nulls_are_nothing() -> None:
    fields = {
        "summary": "It fails",
        "status": {"name": "Erledigt", "statusCategory": {"key": "done"}, "unknown": 1},
        "resolution": {"name": "Won't Do"},
        "priority": None,
        "labels": ["paramedic"],
        "assignee": {"accountId": "5b1"},
        "parent": {"id": "5", "key": "SHOP-5"},
        "attachment": [{"id": "9", "filename": "heal.log", "size": 7, "author": None}],
    }
    issue = mocked(Jira(says({"id": "1", "key": "SHOP-1", "fields": fields}))).issue("SHOP-1")
    assert issue is not None
    assert issue.status.category is StatusCategory.DONE
    assert (issue.resolution, issue.priority, issue.assignee) == ("Won't Do", "", "5b1")
    assert (issue.labels, issue.parent) == (("paramedic",), "SHOP-5")
    assert issue.attachments[0].filename == "heal.log"


def test_what_jira_writes_as_null_is_not_there() -> None:
    said = {"comments": [{"id": "1", "properties": None}], "total": None}
    (comment,) = mocked(Jira(says(said))).comments("SHOP-1")
    assert comment.properties == {}


def test_a_category_that_jira_invents_is_undefined() -> None:
    fields = {"status": {"name": "Odd", "statusCategory": {"key": "later"}}}
    issue = mocked(Jira(says({"id": "1", "key": "S-1", "fields": fields}))).issue("S-1")
    assert issue is not None
    assert issue.status.category is StatusCategory.UNDEFINED


def test_transitions_tell_where_they_lead_and_what_they_ask_for() -> None:
    answer = {
        "transitions": [
            {
                "id": "31",
                "name": "Close",
                "to": {"name": "Done", "statusCategory": {"key": "done"}},
                "fields": {
                    "resolution": {"required": True, "hasDefaultValue": False},
                    "customfield_1": {"required": True, "hasDefaultValue": True},
                    "comment": {"required": False},
                },
            }
        ]
    }
    (transition,) = mocked(Jira(says(answer))).transitions("SHOP-1")
    assert transition.to.category is StatusCategory.DONE
    assert transition.required == ("resolution",)


# Lists and searches


def test_a_list_is_read_to_its_end_whatever_its_total_says() -> None:
    kinds = [{"id": str(number), "name": str(number)} for number in range(5)]
    jira = Jira(
        says({"issueTypes": kinds[:2], "maxResults": 2, "total": 2}),
        says({"issueTypes": kinds[2:4], "maxResults": 2, "total": 2}),
        says({"issueTypes": kinds[4:], "maxResults": 2, "total": 2}),
    )
    assert len(mocked(jira).issue_types("SHOP")) == 5
    assert [one.url.params["startAt"] for one in jira.asked] == ["0", "2", "4"]


def test_a_list_that_never_ends_is_not_read_for_ever() -> None:
    jira = Jira(says({"comments": [{"id": "1"}], "maxResults": 1}))
    assert len(mocked(jira).comments("SHOP-1")) == 50


def test_data_center_lists_values() -> None:
    answer = {"values": [{"fieldId": "summary", "required": True}], "maxResults": 50}
    (found,) = mocked(Jira(says(answer)), JiraKind.DATA_CENTER).create_fields("SHOP", "1")
    assert found.field_id == "summary"


def test_a_search_on_cloud_follows_tokens_with_the_same_reconciled_tickets() -> None:
    jira = Jira(
        says({"issues": [{"id": "1", "key": "S-1"}], "nextPageToken": "t2", "isLast": False}),
        says({"issues": [{"id": "2", "key": "S-2"}], "isLast": True}),
    )
    found = list(mocked(jira).search('labels = "x"', ("summary",), reconcile=["7", 8]))
    assert [issue.key for issue in found] == ["S-1", "S-2"]
    assert jira.paths == ["POST /rest/api/3/search/jql"] * 2
    assert [jira.body(page).get("nextPageToken") for page in (0, 1)] == [None, "t2"]
    assert [jira.body(page)["reconcileIssues"] for page in (0, 1)] == [[7, 8], [7, 8]]
    assert jira.body()["fields"] == ["summary"]


def test_a_search_reconciles_the_newest_50() -> None:
    jira = Jira(says({"issues": []}))
    list(mocked(jira).search("key = S-1", reconcile=range(200)))
    assert jira.body()["reconcileIssues"] == list(range(150, 200))


def test_a_search_ends_at_its_limit_and_where_a_token_comes_again() -> None:
    again = Jira(says({"issues": [{"id": "1", "key": "S-1"}], "nextPageToken": "t"}))
    assert len(list(mocked(again).search("key = S-1"))) == 2
    many = Jira(says({"issues": [{"id": "1", "key": "S-1"}] * 3, "nextPageToken": "t"}))
    assert len(list(mocked(many).search("key = S-1", limit=2))) == 2
    assert (len(many.asked), many.body()["maxResults"]) == (1, 2)


def test_a_search_on_data_center_goes_on_until_a_page_is_not_full() -> None:
    jira = Jira(
        says({"issues": [{"id": "1", "key": "S-1"}] * 2, "maxResults": 2, "total": 2}),
        says({"issues": [{"id": "2", "key": "S-2"}], "maxResults": 2, "total": 2}),
    )
    assert len(list(mocked(jira, JiraKind.DATA_CENTER).search("key = S-1"))) == 3
    assert jira.paths == ["POST /jira/rest/api/2/search"] * 2
    assert [jira.body(page)["startAt"] for page in (0, 1)] == [0, 2]


# Files


@KINDS
def test_a_file_is_sent_as_jira_wants_it(kind: JiraKind) -> None:
    jira = Jira(says([{"id": "9", "filename": "heal.log"}]))
    (made,) = mocked(jira, kind).attach("SHOP-1", [("heal.log", b"log\x00", "text/plain")])
    (asked,) = jira.asked
    assert made.id == "9"
    assert asked.headers["X-Atlassian-Token"] == "no-check"
    assert b'name="file"; filename="heal.log"\r\nContent-Type: text/plain' in asked.content


@KINDS
def test_a_file_is_read_where_this_jira_keeps_it_not_where_the_ticket_says(kind: JiraKind) -> None:
    jira = Jira(httpx.Response(200, content=b"log"))
    assert mocked(jira, kind).download(Attachment(id="9", filename="a/b.log")) == b"log"
    assert jira.asked[0].url.raw_path == (
        b"/rest/api/3/attachment/content/9?redirect=false"
        if kind is JiraKind.CLOUD
        else b"/jira/secure/attachment/9/a%2Fb.log"
    )


def test_a_file_kept_elsewhere_is_read_there_without_credentials() -> None:
    place = "https://media.example/file?token=signed"
    jira = Jira(httpx.Response(303, headers={"Location": place}), httpx.Response(200, content=b"x"))
    assert mocked(jira).download(Attachment(id="9")) == b"x"
    assert "Authorization" in jira.asked[0].headers
    assert "Authorization" not in jira.asked[1].headers
    assert str(jira.asked[1].url) == place


@pytest.mark.parametrize("place", ["http://media.example/x", "http://127.0.0.1/x", "file:///x"])
def test_a_file_is_not_read_where_everyone_could_listen(place: str) -> None:
    jira = Jira(httpx.Response(303, headers={"Location": place}))
    with pytest.raises(DeliveryError):
        mocked(jira).download(Attachment(id="9"))
    assert len(jira.asked) == 1


@pytest.mark.parametrize("place", ["https://elsewhere.example/issue", f"{CLOUD_URL}/login"])
def test_no_other_request_follows_a_redirect(place: str) -> None:
    jira = Jira(httpx.Response(302, headers={"Location": place}))
    with pytest.raises(SinkUnavailable, match="url"):
        mocked(jira).create(FIELDS)
    assert len(jira.asked) == 1


def test_an_answer_that_is_too_long_is_not_read() -> None:
    jira = Jira(httpx.Response(200, content=b"x" * 1_000))
    with pytest.raises(DeliveryError, match="too long") as raised:
        mocked(jira).download(Attachment(id="9"), limit=999)
    assert not raised.value.transient
    assert len(jira.asked) == 1


# Addresses for people, and dry runs


@KINDS
def test_people_read_a_ticket_where_jira_is(kind: JiraKind) -> None:
    url = CLOUD_URL if kind is JiraKind.CLOUD else DATA_CENTER_URL
    assert mocked(Jira(says({})), kind).browse_url("SHOP-1") == f"{url}/browse/SHOP-1"


def test_behind_the_gateway_people_read_a_ticket_at_the_site() -> None:
    jira = Jira(says({"baseUrl": f"{CLOUD_URL}/"}))
    settings = JiraSettings(
        url="https://api.atlassian.com/ex/jira/3a2b", email="ada@shop.example", token_file=""
    )
    environ = {"PARAMEDIC_JIRA_TOKEN": TOKEN}
    client = JiraClient.open(settings, environ, httpx.MockTransport(jira))
    assert (
        client.browse_url("SHOP-1") == client.browse_url("SHOP-1") == f"{CLOUD_URL}/browse/SHOP-1"
    )
    assert jira.paths == ["GET /ex/jira/3a2b/rest/api/3/serverInfo"]


def test_a_dry_run_needs_no_account_and_never_the_network() -> None:
    settings = JiraSettings(dry_run=True)
    with pytest.raises(ValueError, match="dry run"):
        JiraClient.open(settings, {})
    jira = Jira(says({"id": "1", "key": "DRY-1"}, 201))
    client = JiraClient.open(settings, {}, httpx.MockTransport(jira))
    assert client.kind is JiraKind.CLOUD
    assert client.create(FIELDS).key == "DRY-1"


@pytest.mark.parametrize("name", ["status", "labels", "assignee", "attachments"])
def test_a_field_of_an_unknown_form_fails_that_delivery_only(name: str) -> None:
    body = {"id": "1", "key": "SHOP-1", "fields": {name: 7, "attachment": 7}}
    issue = mocked(lambda _: httpx.Response(200, json=body)).issue("SHOP-1")
    with pytest.raises(DeliveryError, match="of SHOP-1 in an unknown form"):
        getattr(issue, name)
