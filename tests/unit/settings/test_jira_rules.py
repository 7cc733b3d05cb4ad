"""What must hold in `[sinks.jira]` is looked at before anything is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from paramedic_workers.settings import Settings, TargetSettings
from paramedic_workers.sinks.jira.rules import jira_problems
from paramedic_workers.sinks.jira.settings import JiraKind, JiraSettings
from paramedic_workers.sinks.tables import read_table

TOKEN = {"PARAMEDIC_JIRA_TOKEN": "t0ken"}
CLOUD: dict[str, Any] = {
    "url": "https://shop.atlassian.net",
    "email": "ada@shop.example",
    "project": "SHOP",
}
SHOP = Settings(targets={"shop": TargetSettings(name="shop", repository="/nowhere")})


def problems(environ: dict[str, str] | None = None, **changes: Any) -> dict[str, str]:
    jira = msgspec.convert({**CLOUD, **changes}, JiraSettings)
    found = jira_problems(jira, SHOP, TOKEN if environ is None else environ)
    return {one.key: f"{one.problem} {one.remedy}" for one in found}


def test_whole_settings_have_no_problem() -> None:
    assert problems() == {}
    assert problems(url="https://jira.shop.example/jira", email="") == {}
    assert problems(url="http://127.0.0.1:8080", email="") == {}
    assert problems(url="http://[::1]:8080", email="") == {}


def test_a_dry_run_needs_no_jira() -> None:
    assert problems({}, url="", email="", project="", dry_run=True) == {}


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("url", "", "is missing. Set it to https://NAME.atlassian.net, or"),
        ("url", "shop.atlassian.net", "is no URL of the web"),
        ("url", "https://host:port", "is no URL"),
        ("url", "https://[oops", "is no URL"),
        ("url", "https://ada:s3cret@shop.atlassian.net", "a user or a password"),
        ("url", "https://shop.atlassian.net?x=1", "something after its path"),
        ("url", "http://jira.shop.example", "begins with http: "),
        ("url", "http://jira.localhost", "begins with http: "),
        ("email", "", "is missing. Jira Cloud wants"),
        ("email", "ada", "is 'ada'. Jira Cloud wants"),
        ("project", "", "is missing for shop."),
        ("project", "shop", "Did you mean SHOP?"),
        ("project", "The shop", "Give the key, not the name"),
        ("labels", ["two words"], "has 'two words'"),
        ("labels", ["x" * 256], "1 to 255 characters"),
        ("components", [" "], "has an empty name"),
        ("report_url", "https://ci.example/{id}", "has {id}, which nothing fills in"),
        ("report_url", "https://ci.example/{incident", "cannot be filled in"),
        ("report_url", "ci/{incident}", "is no web address"),
        ("templates", "/no/such/folder", "is no folder"),
        ("timeout", 0, "is 0.0. Use a number above zero."),
        ("search_lag", -1, "above zero"),
        ("repeat_seconds", 0, "above zero"),
        ("verdicts", [], "no ticket would ever be opened"),
    ],
)
def test_what_is_wrong_is_said_in_words(key: str, value: Any, words: str) -> None:
    found = problems(**{key: value})
    assert words in found[key]
    assert set(found) == {key}
    assert "s3cret" not in str(found)


def test_a_token_must_be_found(tmp_path: Path) -> None:
    file = tmp_path / "token"
    assert "PARAMEDIC_JIRA_TOKEN" in problems({})["token_file"]
    assert "cannot be read" in problems({}, token_file=str(file))["token_file"]
    file.write_bytes(b"\xff\xfe")
    assert "is no token" in problems({}, token_file=str(file))["token_file"]
    file.write_text("")
    assert "there is no token" in problems({}, token_file=str(file))["token_file"]
    file.write_text("one\ntwo\n")
    found = problems({}, token_file=str(file))["token_file"]
    assert "is no token" in found
    assert "two" not in found
    assert "is no token" in problems({"PARAMEDIC_JIRA_TOKEN": "one two"})["token_file"]
    file.write_text("t0ken\n")
    assert problems({}, token_file=str(file)) == {}
    assert problems(token_file="/nowhere") == {}, "the variable comes first"


def test_tables_of_targets_are_looked_at() -> None:
    found = problems(
        project="",
        targets={"shop": {"project": "shop", "labels": [""]}, "bank": {"project": "BANK"}},
    )
    assert "Targets are: shop" in found["targets.bank"]
    assert "Did you mean SHOP?" in found["targets.shop.project"]
    assert "no spaces" in found["targets.shop.labels"]
    assert "project" not in found


def test_people_and_fields_are_looked_at() -> None:
    found = problems(assignees={"cart": "1", "@cart": ""}, fields={"priority": {"name": "High"}})
    assert "Write it like @name" in found["assignees.cart"]
    assert "is empty" in found["assignees.@cart"]
    assert "Use the setting priorities" in found["fields.priority"]


def test_which_jira_it_is_shows_in_its_address() -> None:
    def kind(url: str, **more: Any) -> JiraKind:
        return JiraSettings(url=url, **more).resolved_kind()

    assert kind("https://shop.atlassian.net") is JiraKind.CLOUD
    assert kind("https://api.atlassian.com/ex/jira/1") is JiraKind.CLOUD
    assert kind("https://jira.shop.example") is JiraKind.DATA_CENTER
    assert kind("https://atlassian.net.shop.example") is JiraKind.DATA_CENTER
    assert kind("http://127.0.0.1:1", kind=JiraKind.CLOUD) is JiraKind.CLOUD


def test_every_key_that_does_not_fit_is_named_at_once() -> None:
    table = {"verdicts": ["heald"], "kind": "server", "dry_run": "no", "projekt": "SHOP"}
    made, found = read_table("jira", table, JiraSettings, SHOP)
    assert made is None
    said = {one.key: f"{one.problem} {one.remedy}" for one in found}
    assert "Did you mean project?" in said["sinks.jira.projekt"]
    assert said["sinks.jira.kind"] == "is 'server'. Use one of cloud, data_center."
    assert "true or false" in said["sinks.jira.dry_run"]
    assert "of healed, proposed" in said["sinks.jira.verdicts"]


def test_a_sink_that_is_switched_off_has_no_problems() -> None:
    assert read_table("jira", {"enabled": False}, JiraSettings, SHOP)[1] == []
