"""The fields of tickets, and how ours are told from what people wrote."""

from __future__ import annotations

import pytest

from paramedic_workers.errors import Verdict
from paramedic_workers.sinks.jira.adf import to_adf
from paramedic_workers.sinks.jira.dialects import DIALECTS
from paramedic_workers.sinks.jira.documents import (
    BulletList,
    CodeBlock,
    Document,
    Heading,
    Mark,
    Paragraph,
    Text,
)
from paramedic_workers.sinks.jira.fields import (
    assignee,
    digest,
    labels,
    mark_of,
    new_ticket,
    texts_of,
    update_of,
)
from paramedic_workers.sinks.jira.settings import JiraKind, JiraPlace, JiraSettings
from paramedic_workers.sinks.jira.tickets import Written
from tests.support.results import make_result

SETTINGS = JiraSettings(
    project="SHOP",
    assignee="anybody",
    assignees={"@cart": "ada", "bo@shop.example": "bo"},
    priorities={Verdict.FAILED: "High"},
    labels=("night shift",),
    targets={"bakery": JiraPlace(project="BAKE", assignee="baker")},
)
DOCUMENT = Document(
    (
        Heading(2, (Text("What failed"),)),
        Paragraph((Text("one "), Text("two", frozenset({Mark.STRONG})))),
        CodeBlock("a = 1\nb = 2"),
        BulletList((Paragraph((Text("three"),)),)),
    )
)


def test_a_text_is_known_again_however_jira_sets_it() -> None:
    sent = to_adf(DOCUMENT)
    answered = {
        "version": 1,
        "type": "doc",
        "content": [{**node, "attrs": {"localId": "9"}} for node in sent["content"]],
    }
    assert digest(answered) == digest(sent)
    assert digest("h2. What\r\n\r\nfailed \r\n") == digest("h2. What\n\nfailed")
    assert digest(None) == digest("")


@pytest.mark.parametrize("old", ["two", "b = 2", "three"])
def test_another_word_is_another_text(old: str) -> None:
    def written(node: object) -> object:
        if isinstance(node, dict):
            return {name: written(one) for name, one in node.items()}
        if isinstance(node, list):
            return [written(one) for one in node]
        return node.replace(old, "mine") if isinstance(node, str) else node

    sent = to_adf(DOCUMENT)
    assert digest(written(sent)) != digest(sent)


def test_words_in_another_order_are_another_text() -> None:
    assert digest({"content": [{"text": "a"}, {"text": "b"}]}) != digest(
        {"content": [{"text": "b"}, {"text": "a"}]}
    )


@pytest.mark.parametrize(
    ("owners", "target", "expected"),
    [
        (("@unknown", "bo@shop.example", "@cart"), "shop", "bo"),
        (("@unknown",), "shop", "anybody"),
        ((), "bakery", "baker"),
    ],
)
def test_the_first_owner_that_the_settings_know_gets_it(
    owners: tuple[str, ...], target: str, expected: str
) -> None:
    assert assignee(make_result(owners=owners, target=target), SETTINGS) == expected


def test_labels_have_no_spaces_and_come_once() -> None:
    wide = "w" * 300
    made = labels("3f9a", ("night shift", "paramedic", " \t", wide))
    assert made == ["paramedic", "paramedic-3f9a", "night-shift", "w" * 255]


def test_a_property_says_little_and_no_secret() -> None:
    result = make_result(id="r1")
    assert mark_of(result) == {
        "fingerprint": result.incident,
        "target": "shop",
        "result": "r1",
        "verdict": "healed",
    }


@pytest.mark.parametrize("kind", list(JiraKind))
def test_a_ticket_has_the_fields_of_the_settings_under_its_own(kind: JiraKind) -> None:
    place = JiraPlace(components=("cart",), fields={"customfield_1": 7, "summary": "no"})
    settings = JiraSettings(project="SHOP", assignee="ada", targets={"shop": place})
    result = make_result()
    written = texts_of(result, settings, " a  summary ", "text")
    made = new_ticket(result, settings, written, "text", DIALECTS[kind])
    person = {"accountId": "ada"} if kind is JiraKind.CLOUD else {"name": "ada"}
    assert made.fields == {
        "customfield_1": 7,
        "summary": "a summary",
        "project": {"key": "SHOP"},
        "issuetype": {"name": "Bug"},
        "description": "text",
        "labels": ["paramedic", f"paramedic-{result.incident}"],
        "assignee": person,
        "components": [{"name": "cart"}],
    }
    assert made.optional == {"customfield_1", "assignee", "components"}


def test_an_update_has_only_the_parts_that_are_due() -> None:
    written = Written(summary="s", priority="High", assignee="ada")
    cloud = DIALECTS[JiraKind.CLOUD]
    parts = frozenset({"summary", "priority"})
    assert update_of(parts, written, "text", cloud) == {
        "summary": "s",
        "priority": {"name": "High"},
    }
