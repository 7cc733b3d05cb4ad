"""What a target asks to be installed is read from its dependency files."""

from __future__ import annotations

from pathlib import Path

import pytest

from paramedic_workers.errors import EnvironmentBuildError
from paramedic_workers.healing.dependencies import Dependencies, read_dependencies
from paramedic_workers.settings import TargetSettings


def _read(root: Path, files: dict[str, str], **settings: object) -> Dependencies:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    target = TargetSettings(repository="x", **settings)  # type: ignore[arg-type]  # test data
    return read_dependencies(target, root)


_PYPROJECT = """
[project]
name = "shop"
requires-python = ">=3.9"
dependencies = ["requests[socks]>=2", "Typing_Extensions; python_version < '3.11'"]
[project.optional-dependencies]
docs = ["sphinx"]
test = ["pytest", "hypothesis"]
[dependency-groups]
dev = ["coverage", {include-group = "lint"}]
lint = ["ruff"]
"""


def test_extras_and_groups_for_tests_are_wanted_and_others_are_not(tmp_path: Path) -> None:
    found = _read(tmp_path, {"pyproject.toml": _PYPROJECT})
    assert (found.extras, found.groups, found.installable) == (("test",), ("dev",), True)
    assert found.python == ">=3.9"
    assert found.names == {"requests", "typing-extensions", "pytest", "hypothesis", "coverage"}


def test_a_file_with_tool_settings_only_asks_for_nothing(tmp_path: Path) -> None:
    assert _read(tmp_path, {"pyproject.toml": "[tool.ruff]\nline-length = 100\n"}).empty


def test_requirement_files_for_tests_are_found(tmp_path: Path) -> None:
    names = ("requirements.txt", "requirements-dev.txt", "requirements/test.txt")
    found = _read(tmp_path, dict.fromkeys((*names, "requirements-docs.txt"), "six\n"))
    assert set(found.files) == set(names)
    assert found.names == {"six"}


def test_extras_of_setup_cfg_and_setup_py_are_found(tmp_path: Path) -> None:
    setup_cfg = "[metadata]\nname = x\n[options.extras_require]\ntest = pytest\n"
    setup_py = "setup(extras_require={'dev': ['six'], 'docs': []})"
    found = _read(tmp_path, {"setup.cfg": setup_cfg, "setup.py": setup_py})
    assert set(found.extras) == {"test", "dev"}
    assert found.installable


def test_settings_replace_what_is_found(tmp_path: Path) -> None:
    files = {"pyproject.toml": _PYPROJECT, "ci/needs.txt": "six\n"}
    found = _read(tmp_path, files, requirements=("ci/needs.txt", "docs"))
    assert (found.files, found.extras, found.groups) == (("ci/needs.txt",), ("docs",), ())


def test_the_digest_follows_included_files_too(tmp_path: Path) -> None:
    files = {"requirements.txt": "-r base/all.txt\n", "base/all.txt": "six==1.16\n"}
    before = _read(tmp_path, files).digest
    assert _read(tmp_path, {"README.md": "changed"}).digest == before
    assert _read(tmp_path, {"base/all.txt": "six==1.17\n"}).digest != before


def test_the_folder_that_pytest_starts_in_may_be_a_project_of_its_own(tmp_path: Path) -> None:
    found = _read(tmp_path, {"services/shop/pyproject.toml": _PYPROJECT}, directory="services/shop")
    assert found.folder == "services/shop"
    assert found.installable


def test_a_broken_pyproject_is_named(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentBuildError, match=r"pyproject\.toml cannot be read"):
        _read(tmp_path, {"pyproject.toml": "[project\n"})
