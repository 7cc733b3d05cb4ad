"""Settings are read from the file and the environment, and every mistake is named."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from paramedic_workers import settings_docs, settings_file
from paramedic_workers.errors import SettingsError
from paramedic_workers.results import Confidence
from paramedic_workers.settings import SandboxMode

ROOT = Path(__file__).parents[3]


def write(folder: Path, text: str) -> Path:
    file = folder / "paramedic.toml"
    file.write_text(text, encoding="utf-8")
    return file


def mistakes(file: Path, **environ: str) -> dict[str, str]:
    return {m.key: f"{m.problem} {m.remedy}" for m in settings_file.check(file, environ)}


def test_without_a_file_the_defaults_apply(tmp_path: Path) -> None:
    settings = settings_file.load(None, {"XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path)})
    assert settings.broker_url == ""
    assert set(settings.sinks) == {"file", "console"}
    assert settings.data == str(tmp_path / ".local/state/paramedic")


def test_targets_are_read_with_paths_relative_to_the_file(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        '[targets.shop]\nrepository = "shop"\nremote = "git@host:shop.git"\n'
        'python = "venv/bin/python"\ntrust = "high"\nsandbox = "off"\n'
        'environment = {MODE = "test"}\n',
    )
    target = settings_file.load(file, {}).targets["shop"]
    assert target.name == "shop"
    assert target.repository == str(tmp_path / "shop")
    assert target.remote == "git@host:shop.git"
    assert target.python == str(tmp_path / "venv/bin/python")
    assert target.trust is Confidence.HIGH
    assert target.sandbox is SandboxMode.OFF
    assert target.environment == {"MODE": "test"}


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = write(tmp_path, 'broker_url = "redis://one"\nlease_seconds = 5\ndata = "state"\n')
    environ = {"PARAMEDIC_BROKER_URL": "redis://two", "PARAMEDIC_LEASE_SECONDS": "7.5"}
    settings = settings_file.load(file, environ)
    assert (settings.broker_url, settings.lease_seconds) == ("redis://two", 7.5)
    assert settings.data == str(tmp_path / "state")


def test_every_mistake_is_named_in_one_go(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        'broker_uri = "redis://x"\nlog_level = "loud"\nheal_attempts = 0\n'
        "heal_memory = 64\nshutdown_seconds = -1\n"
        "[targets.shop]\nruns = '3'\nparallel = 0\n"
        '[targets."bad name"]\nrepository = "x"\nstrategies = ["magic"]\ndirectory = "../x"\n'
        "[sinks.pigeon]\n",
    )
    found = mistakes(file)
    assert "Did you mean broker_url?" in found["broker_uri"]
    assert "debug" in found["log_level"]
    assert "above zero" in found["heal_attempts"]
    assert "at least 512" in found["heal_memory"]
    assert "below zero" in found["shutdown_seconds"]
    assert "is missing" in found["targets.shop.repository"]
    assert found["targets.shop.runs"] == "is '3'. Use a whole number."
    assert "letters" in found["targets.bad name"]
    assert "magic" in found["targets.bad name.strategies"]
    assert "out of the repository" in found["targets.bad name.directory"]
    assert "pigeon" in found["sinks"]


def test_what_would_fit_is_named_for_each_type(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        '[targets.shop]\nrepository = "x"\nname = "y"\nsandbox = "maybe"\n'
        'allowed_paths = "src"\nbudget = "long"\npublish_proposals = "no"\n',
    )
    found = mistakes(file)
    assert found["targets.shop.sandbox"] == "is 'maybe'. Use one of required, preferred, off."
    assert "Use a list" in found["targets.shop.allowed_paths"]
    assert "Use a number." in found["targets.shop.budget"]
    assert "Use true or false." in found["targets.shop.publish_proposals"]
    assert "Did you mean name" not in found["targets.shop.name"]


def test_tables_of_sinks_are_checked(tmp_path: Path) -> None:
    found = mistakes(write(tmp_path, '[sinks.file]\ndirektory = "x"\n'))
    assert found == {"sinks.file.direktory": "is no setting. Did you mean directory?"}


def test_rules_of_sinks_are_checked(tmp_path: Path) -> None:
    file = write(tmp_path, '[sinks.jira]\nproject = "shop"\nemail = "ada@shop.example"\n')
    found = mistakes(file)
    assert set(found) == {"sinks.jira.url", "sinks.jira.project", "sinks.jira.token_file"}
    assert found["sinks.jira.url"].startswith("is missing. Set it to https://")
    settings_file.load(file, {})


def test_paths_in_tables_of_sinks_are_relative_to_the_file(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        '[sinks.file]\ndirectory = "reports"\n'
        '[sinks.console]\ntoken_file = "token"\ntemplates = ""\n',
    )
    sinks = settings_file.load(file, {}).sinks
    assert sinks["file"]["directory"] == str(tmp_path / "reports")
    assert sinks["console"]["token_file"] == str(tmp_path / "token")
    assert sinks["console"]["templates"] == ""


def test_bounds_may_be_switched_off_but_not_below_zero(tmp_path: Path) -> None:
    tops = ("breaker_failures", "fuse_heals", "min_free_disk")
    targets = ("heals_per_hour", "heals_per_day", "branches_per_hour", "branches_per_day")
    for number, wrong in ((0, set()), (-1, {*tops, *(f"targets.shop.{name}" for name in targets)})):
        lines = [f"{name} = {number}" for name in tops]
        lines += ["[targets.shop]", 'repository = "https://example.com/shop.git"']
        lines += [f"{name} = {number}" for name in targets]
        assert set(mistakes(write(tmp_path, "\n".join(lines)))) == wrong
    assert "retry_pause" in mistakes(write(tmp_path, "retry_pause = 0\n"))


def test_a_variable_that_is_no_setting_is_named(tmp_path: Path) -> None:
    file = write(tmp_path, "")
    ours = ("TARGET", "REVISION", "JIRA_TOKEN", "WEBHOOK_SECRET", "NOTIFY_URLS")
    assert mistakes(file, **{f"PARAMEDIC_{name}": "shop" for name in ours}) == {}
    found = mistakes(file, PARAMEDIC_LEASE_SECOND="5")
    assert "PARAMEDIC_LEASE_SECONDS" in found["PARAMEDIC_LEASE_SECOND"]


def test_loading_mistaken_settings_raises_with_file_key_and_remedy(tmp_path: Path) -> None:
    file = write(tmp_path, 'broker_url = "amqps+magic://x"\n')
    with pytest.raises(SettingsError) as caught:
        settings_file.load(file, {})
    assert str(file) in str(caught.value)
    assert "broker_url" in str(caught.value)
    assert "Use amqp://" in str(caught.value)


def test_a_mistaken_variable_is_named_by_its_own_name(tmp_path: Path) -> None:
    file = write(tmp_path, "")
    with pytest.raises(SettingsError, match="PARAMEDIC_LEASE_SECONDS: lease_seconds"):
        settings_file.load(file, {"PARAMEDIC_LEASE_SECONDS": "soon"})


@pytest.mark.parametrize("text", ["[targets", "\x00", "[targets]\nshop = 3\n"])
def test_a_broken_file_is_one_clear_mistake(tmp_path: Path, text: str) -> None:
    file = write(tmp_path, text)
    with pytest.raises(SettingsError):
        settings_file.load(file, {})


def test_a_file_that_is_named_and_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="PARAMEDIC_CONFIG"):
        settings_file.load(None, {"PARAMEDIC_CONFIG": str(tmp_path / "none.toml")})


def test_check_also_looks_at_the_machine(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    file = write(
        tmp_path,
        f'[targets.shop]\nrepository = "empty"\npython = "{tmp_path}/python"\n'
        f'[targets.fine]\nrepository = "https://example.com/x.git"\npython = "{sys.executable}"\n',
    )
    found = mistakes(file)
    assert set(found) == {"targets.shop.repository", "targets.shop.python"}
    settings_file.load(file, {})


def test_the_page_of_settings_is_current() -> None:
    page = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
    assert page == settings_docs.page(), "run: python -m paramedic_workers.settings_docs"


@pytest.mark.parametrize("url", ["redis://me:secret@[host/0", "redis://host:port/0"])
def test_a_broker_url_that_is_none_is_named_without_its_password(tmp_path: Path, url: str) -> None:
    file = write(tmp_path, f"broker_url = {url!r}\n")
    with pytest.raises(SettingsError, match="broker_url: is no URL") as caught:
        settings_file.load(file, {})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("number", ["nan", "inf"])
def test_a_time_has_an_end(tmp_path: Path, number: str) -> None:
    file = write(tmp_path, f"lease_seconds = {number}\n")
    with pytest.raises(SettingsError, match="lease_seconds"):
        settings_file.load(file, {})
