"""Templates of other packages: found by entry point, checked, and never in the way."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest

from paramedic_workers.repair.templates import TEMPLATES, all_templates
from paramedic_workers.repair.templates.installed import installed_templates
from tests.support.documents import code_block, install
from tests.support.template_edits import edits

_IMPORTS = (
    "import ast\nfrom paramedic_workers.repair.templates import Proposal, Replacement, Template\n"
)


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed packages."""
    folder = tmp_path / "packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return folder


def install_template(
    folder: Path, name: str, source: str, monkeypatch: pytest.MonkeyPatch, attribute: str = "T"
) -> None:
    """An installed distribution with one entry point to a module of this source."""
    module = name.replace("-", "_")
    point = f'[project.entry-points."paramedic.templates"]\n{module} = "{module}:{attribute}"\n'
    monkeypatch.delitem(sys.modules, module, raising=False)
    install(folder, name, module, _IMPORTS + source, point)


_GOOD = 'T = Template("good", 0.5, (ast.Name,), lambda site: site.replace(site.node, "b"))\n'


def test_the_documented_template_works(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = code_block("extend.md", "python", "def with_zone")
    project = code_block("extend.md", "toml", "paramedic_zones:TEMPLATE")
    monkeypatch.delitem(sys.modules, "paramedic_zones", raising=False)
    install(packages, "paramedic-zones", "paramedic_zones", source, project)
    [template] = installed_templates()
    before = (
        "from datetime import datetime, timezone\n\n\n"
        "def made(stamp):\n    return datetime.fromtimestamp(stamp)  # seconds\n"
    )
    found = [after for _, _, after in edits(before, templates=[template])]
    assert found == [before.replace("(stamp)  #", "(stamp, timezone.utc)  #")]
    assert template in all_templates()[len(TEMPLATES) :] or len(all_templates()) > len(TEMPLATES)


def test_a_list_of_templates(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_template(packages, "many", f"{_GOOD}BOTH = [T, T]\n", monkeypatch, "BOTH")
    assert [template.name for template in installed_templates()] == ["good", "good"]


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("raise RuntimeError('no ideas')", "cannot be loaded: RuntimeError: no ideas"),
        ("raise SystemExit(3)", "cannot be loaded: SystemExit: 3"),
        ("T = 3", "is refused: int is no Template"),
        ('T = Template("", 0.5, (ast.Name,), print)', "is refused: it has no name"),
        ('T = Template("x", 7, (ast.Name,), print)', "is refused: its prior is 7"),
        ('T = Template("x", 0.5, ast.Name, print)', "is refused: `looks_at`"),
        ('T = Template("x", 0.5, (ast.Name,), None)', "is refused: `propose`"),
    ],
)
def test_a_broken_one_is_refused_and_the_others_stay(
    packages: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    source: str,
    complaint: str,
) -> None:
    install_template(packages, "broken-ideas", source, monkeypatch)
    install_template(packages, "good-ideas", _GOOD, monkeypatch)
    with caplog.at_level(logging.WARNING):
        assert [template.name for template in installed_templates()] == ["good"]
    assert complaint in caplog.text
    assert "of broken-ideas 1.0" in caplog.text


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        (
            "def propose(site):\n    yield from site.replace(site.node, 'b')\n    1 / 0",
            "ZeroDivision",
        ),
        ("def propose(site):\n    yield 3", "int is no Proposal"),
        ("def propose(site):\n    yield Proposal((), 0.5)", "without parts"),
        ("def propose(site):\n    yield Proposal((Replacement(0, 0, 'x'),), 2)", "weight of 2"),
        ("def propose(site):\n    yield Proposal((Replacement(5, 999, 'x'),))", "not inside"),
        ("def propose(site):\n    yield Proposal((Replacement(0, 0, 3),))", "no Replacement of"),
    ],
)
def test_one_that_proposes_nonsense_is_left_out(
    packages: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    source: str,
    complaint: str,
) -> None:
    text = f'{source}\nT = Template("odd", 0.5, (ast.Name,), propose)\n'
    install_template(packages, "odd-ideas", text, monkeypatch)
    [template] = installed_templates()
    with caplog.at_level(logging.WARNING):
        found = list(edits("def f(a):\n    return a + a\n", templates=[template]))
    assert len(found) <= 1
    assert complaint in caplog.text
    assert "of odd-ideas 1.0" in caplog.text
    assert caplog.text.count("left out of this repair") == 1


def test_one_that_never_ends_is_cut_off(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = (
        "def propose(site):\n    while True:\n        yield from site.replace(site.node, 'b')\n"
        'T = Template("endless", 0.5, (ast.Name,), propose)\n'
    )
    install_template(packages, "endless-ideas", source, monkeypatch)
    assert len(list(edits("def f(a):\n    return a\n", templates=installed_templates()))) == 200
