"""Learned priors are kept beside the settings file, and do no harm when they are broken."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from paramedic_workers.errors import UsageError
from paramedic_workers.priors import load_priors, priors_file, save_priors
from paramedic_workers.settings import TargetSettings

SHOP = TargetSettings(name="shop", repository="/src/shop")


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A settings file of its own."""
    (tmp_path / "settings.toml").write_text("")
    return {"PARAMEDIC_CONFIG": str(tmp_path / "settings.toml")}


def test_they_stand_beside_the_settings_file(tmp_path: Path, environ: dict[str, str]) -> None:
    file = save_priors(SHOP, {"comparison": 1.25}, environ)
    assert file == tmp_path / "paramedic.priors.shop.json"
    assert json.loads(file.read_text()) == {"target": "shop", "priors": {"comparison": 1.25}}
    assert load_priors(SHOP, environ) == {"comparison": 1.25}


def test_nothing_learned_is_nothing_known(environ: dict[str, str]) -> None:
    assert load_priors(SHOP, environ) == {}


def test_without_settings_they_are_kept_by_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    environ = {"PARAMEDIC_DATA": str(tmp_path / "data"), "XDG_CONFIG_HOME": str(tmp_path)}
    other = TargetSettings(name="shop", repository="/elsewhere/shop")
    save_priors(SHOP, {"comparison": 1.5}, environ)
    assert priors_file(SHOP, environ).is_relative_to(tmp_path / "data")
    assert load_priors(SHOP, environ) == {"comparison": 1.5}
    assert load_priors(other, environ) == {}


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"priors": []}', '{"priors": {"a": "b"}}', '{"priors": {"a": NaN}}']
)
def test_a_broken_file_is_left_out(environ: dict[str, str], text: str) -> None:
    priors_file(SHOP, environ).write_text(text)
    assert load_priors(SHOP, environ) == {}


def test_no_file_can_hide_a_template(environ: dict[str, str]) -> None:
    priors_file(SHOP, environ).write_text('{"priors": {"low": 0, "high": 900}}')
    assert load_priors(SHOP, environ) == {"low": 0.5, "high": 2.0}


def test_what_cannot_be_kept_is_said_in_one_line(tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / "paramedic.priors.shop.json").mkdir()
    with pytest.raises(UsageError, match="cannot be written"):
        save_priors(SHOP, {}, environ)
