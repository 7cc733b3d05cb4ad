"""A branch is linked to wherever it can be looked at."""

from __future__ import annotations

import pytest

from paramedic_workers.branch_links import branch_link
from paramedic_workers.settings import Settings, TargetSettings
from paramedic_workers.settings_rules import rule_problems


def target(**values: str) -> TargetSettings:
    return TargetSettings(name="shop", repository="/nowhere", **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("remote", "link"),
    [
        ("https://github.com/acme/shop.git", "https://github.com/acme/shop/tree/paramedic/3f"),
        ("git@github.com:acme/shop.git", "https://github.com/acme/shop/tree/paramedic/3f"),
        ("ssh://git@github.com:22/acme/shop", "https://github.com/acme/shop/tree/paramedic/3f"),
        ("https://me:hunter2@GitHub.com/a/b/", "https://github.com/a/b/tree/paramedic/3f"),
        ("git@gitlab.com:acme/web/shop.git", "https://gitlab.com/acme/web/shop/-/tree/paramedic/3f"),
        ("https://bitbucket.org/acme/shop.git", "https://bitbucket.org/acme/shop/branch/paramedic/3f"),
        ("https://git.example/acme/shop.git", ""),
        ("/srv/git/shop.git", ""),
        ("file:///srv/git/shop.git", ""),
        ("https://[broken/acme/shop", ""),
        ("git@github.com:acme/shop?x=<b>", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_well_known_hosts_are_found_from_the_remote(remote: str, link: str) -> None:
    assert branch_link(target(remote=remote), "paramedic/3f") == link


def test_the_settings_name_any_other_host() -> None:
    own = target(branch_url="https://git.example/shop/tree/{branch}", remote="git@github.com:a/b")
    assert branch_link(own, "paramedic/a b") == "https://git.example/shop/tree/paramedic/a%20b"
    assert branch_link(own, "") == ""


@pytest.mark.parametrize("url", ["https://git.example/shop", "git.example/{branch}"])
def test_a_branch_url_that_cannot_work_is_refused(url: str) -> None:
    problems = rule_problems(Settings(targets={"shop": target(branch_url=url)}))
    assert [problem.key for problem in problems] == ["targets.shop.branch_url"]
