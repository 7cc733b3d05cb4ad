"""The target's environment: found where there is one, built where there is none."""

from __future__ import annotations

import shutil
import subprocess
import venv
from pathlib import Path

import pytest

from paramedic_workers.errors import EnvironmentBuildError
from paramedic_workers.healing import interpreters
from paramedic_workers.healing.environment import TargetEnvironment, prepare_environment
from paramedic_workers.healing.model import Deadline, RunEnd, TestOutcome
from paramedic_workers.healing.pytest_runner import PytestRunner
from paramedic_workers.healing.sandbox import Sandbox
from paramedic_workers.settings import TargetSettings
from tests.integration.healing_foundations.test_pytest_runner import write

_WHERE = """
import shop
def test_where():
    assert shop.__file__ == "nowhere"
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A clean working tree with one package in `src`."""
    write(tmp_path / "tree", {"src/shop/__init__.py": "", "test_where.py": _WHERE})
    return tmp_path / "tree"


@pytest.fixture(autouse=True)
def _no_active_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)


def _prepare(
    tree: Path,
    data: Path,
    *,
    checkout: Path | None = None,
    seconds: float = 120,
    **settings: object,
) -> TargetEnvironment:
    target = _target(tree, **settings)
    return prepare_environment(
        target, tree, data=data, deadline=Deadline.after(seconds), checkout=checkout
    )


def _target(tree: Path, **settings: object) -> TargetSettings:
    return TargetSettings(name="shop", repository=str(tree), **settings)  # type: ignore[arg-type]  # test data


def _imported_from(environment: TargetEnvironment, tree: Path) -> str:
    """Where `shop` was imported from when the tests ran."""
    target = _target(tree)
    report = PytestRunner(target, environment, Sandbox.of(target)).run(tree, timeout=60)
    assert report.end is RunEnd.FINISHED, report.output
    return report.tests[0].traceback


def _environment_at(folder: Path) -> Path:
    """A virtual environment with our own pytest, as a user might have one; gives its packages."""
    venv.create(folder, symlinks=True, with_pip=False)
    (packages,) = folder.glob("lib/python3*/site-packages")
    ours = interpreters.current().packages[0]
    names = ("pytest", "_pytest", "pluggy", "iniconfig", "packaging", "pygments")
    for name in names:
        for found in (ours / name, *ours.glob(f"{name}-[0-9]*.dist-info")):
            shutil.copytree(found, packages / found.name)
    shutil.copy(ours / "py.py", packages / "py.py")
    return packages


def test_the_interpreter_of_the_settings_is_used(tree: Path, data: Path) -> None:
    python = interpreters.current().python
    environment = _prepare(tree, data, python=str(python))
    assert environment.python == python
    assert str(tree / "src/shop/__init__.py") in _imported_from(environment, tree)
    assert not data.exists()


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (None, "There is no interpreter"),
        ("exit 1", "does not run"),
        ("echo nonsense", "does not run"),
        ("""echo '{"pytest": false}'""", "has no pytest"),
    ],
)
def test_an_interpreter_that_will_not_do_is_named(
    tree: Path, data: Path, tmp_path: Path, script: str | None, message: str
) -> None:
    python = tmp_path / "python"
    if script is not None:
        python.write_text(f"#!/bin/sh\n{script}\n")
        python.chmod(0o755)
    with pytest.raises(EnvironmentBuildError, match=message) as caught:
        _prepare(tree, data, python=str(python))
    assert caught.value.remedy


def test_the_interpreter_of_the_settings_sees_no_secret_of_the_worker(
    tree: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_TOKEN", "hunter2")
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\nenv > {tmp_path}/seen\nexit 1\n")
    python.chmod(0o755)
    with pytest.raises(EnvironmentBuildError):
        _prepare(tree, data, python=str(python))
    assert "hunter2" not in (tmp_path / "seen").read_text()


def test_the_environment_of_a_checkout_is_used_and_our_tree_is_imported(
    tree: Path, data: Path, tmp_path: Path
) -> None:
    checkout = tmp_path / "checkout"
    shutil.copytree(tree, checkout)
    packages = _environment_at(checkout / ".venv")
    (packages / "__editable__.shop.pth").write_text(f"{checkout / 'src'}\n")
    write(checkout, {"requirements.txt": "something-that-is-not-installed\n"})
    environment = _prepare(tree, data, checkout=checkout)
    assert environment.python == checkout / ".venv/bin/python"
    assert str(tree / "src/shop/__init__.py") in _imported_from(environment, tree)
    assert not data.exists()


def test_an_editable_install_from_an_odd_folder_is_found_in_our_tree(
    tree: Path, data: Path, tmp_path: Path
) -> None:
    (tree / "src").rename(tree / "python_code")
    checkout = tmp_path / "checkout"
    shutil.copytree(tree, checkout)
    packages = _environment_at(checkout / "venv")
    finder = f"MAPPING = {{'shop': '{checkout}/python_code/shop'}}\n"
    (packages / "__editable___shop_1_0_finder.py").write_text(finder)
    environment = _prepare(tree, data, checkout=checkout)
    assert str(tree / "python_code/shop/__init__.py") in _imported_from(environment, tree)


def test_nothing_of_a_checkouts_environment_runs_outside_the_sandbox(
    tree: Path, data: Path, tmp_path: Path
) -> None:
    checkout = tmp_path / "checkout"
    packages = _environment_at(checkout / ".venv")
    (packages / "evil.pth").write_text(f"import os; os.mkdir({str(tmp_path / 'ran')!r})\n")
    python = checkout / ".venv/bin/python"
    python.unlink()
    python.write_text(f"#!/bin/sh\nmkdir {tmp_path}/ran\n")
    python.chmod(0o755)
    _prepare(tree, data, checkout=checkout)
    assert not (tmp_path / "ran").exists()


def test_an_active_or_present_environment_is_used_if_it_has_what_is_asked_for(
    tree: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tree, {"requirements.txt": "msgspec\nredis>=5  # and no more\n"})
    assert "the present interpreter" in _prepare(tree, data, checkout=tree).description
    _environment_at(tmp_path / "active")
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "active"))
    assert "the present interpreter" in _prepare(tree, data, checkout=tree).description
    (tree / "requirements.txt").unlink()
    assert _prepare(tree, data, checkout=tree).python == tmp_path / "active/bin/python"


_UNDECLARED = """
import pytest

NAMES = ["paramedic_workers", "paramedic", "msgspec", "structlog", "hypothesis"]

@pytest.mark.parametrize("name", NAMES)
def test_it_is_there(name):
    pytest.importorskip(name)
"""


def test_what_is_there_for_paramedic_alone_is_not_seen_by_a_target_that_never_asked_for_it(
    tree: Path, data: Path
) -> None:
    (tree / "test_where.py").write_text(_UNDECLARED)
    assert _seen(_prepare(tree, data, checkout=tree), tree) == {"hypothesis"}
    write(tree, {"requirements.txt": "msgspec\n"})
    asking = _prepare(tree, data, checkout=tree)
    assert _seen(asking, tree) == {"hypothesis", "msgspec"}
    assert len(list((data / "environments").glob("present-*/bin"))) == 2
    assert _prepare(tree, data, checkout=tree).python == asking.python


def _seen(environment: TargetEnvironment, tree: Path) -> set[str]:
    """The modules that the tests could import."""
    target = _target(tree)
    report = PytestRunner(target, environment, Sandbox.of(target)).run(tree, timeout=60)
    assert report.end is RunEnd.FINISHED, report.output
    passed = (test.test for test in report.tests if test.outcome is TestOutcome.PASSED)
    return {test.partition("[")[2].rstrip("]") for test in passed}


def test_a_home_or_the_root_folder_is_never_shown(tmp_path: Path) -> None:
    for folder in (Path.home(), Path("/"), Path("/usr")):
        assert folder not in interpreters.current().readable
    link = tmp_path / "bin" / "python"
    link.parent.mkdir()
    link.symlink_to(interpreters.base_executable())
    environment = interpreters.virtual_environment(tmp_path)
    assert environment is None


_PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "shop"
version = "1.0"
"""
#: Builds a wheel with nothing but the standard library, and adds a generated module.
_BACKEND = """
import os, zipfile
def get_requires_for_build_wheel(settings=None): return []
def build_wheel(folder, settings=None, metadata=None):
    assert not os.environ.get("API_TOKEN")
    info = "shop-1.0.dist-info"
    files = {
        "shop/__init__.py": open("src/shop/__init__.py").read(),
        "shop/_version.py": "version = 'made by building'",
        f"{info}/METADATA": "Metadata-Version: 2.1\\nName: shop\\nVersion: 1.0\\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        f"{info}/entry_points.txt": "[shop.things]\\na = shop:a\\n",
    }
    record = "".join(f"{name},,\\n" for name in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(os.path.join(folder, "shop-1.0-py3-none-any.whl"), "w") as wheel:
        for name, text in {**files, f"{info}/RECORD": record}.items():
            wheel.writestr(name, text)
    return "shop-1.0-py3-none-any.whl"
"""
_TEST_OF_PROJECT = """
import importlib.metadata
import shop, shop._version
def test_all():
    (entry,) = importlib.metadata.entry_points(group="shop.things")
    assert shop._version.version == "made by building"
    assert shop.__file__ == "nowhere"
"""


@pytest.mark.needs_network
def test_an_environment_is_built_once_with_metadata_but_without_the_modules(
    tree: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_TOKEN", "hunter2")
    files = {"pyproject.toml": _PROJECT, "backend.py": _BACKEND, "test_where.py": _TEST_OF_PROJECT}
    write(tree, files)
    before = sorted(tree.rglob("*"))
    environment = _prepare(tree, data)
    assert environment.description == "built with uv for shop"
    assert sorted(tree.rglob("*")) == before
    assert str(tree / "src/shop/__init__.py") in _imported_from(environment, tree)
    folder = environment.python.parent.parent
    assert list(folder.glob("lib/python3*/site-packages/shop")) == []
    assert [path.name for path in (data / "environments").iterdir() if path.is_dir()] == [
        folder.name
    ]
    monkeypatch.setattr("uv.find_uv_bin", lambda: "/nowhere")
    (tree / "src/shop/__init__.py").write_text("changed = 1\n")
    again = _prepare(tree, data, seconds=0)
    assert again == environment


@pytest.mark.needs_network
def test_a_project_that_cannot_be_built_is_left_out_but_not_its_dependencies(
    tree: Path, data: Path
) -> None:
    write(tree, {"pyproject.toml": _PROJECT, "backend.py": "raise RuntimeError('broken')\n"})
    environment = _prepare(tree, data)
    assert "without the project itself" in environment.description
    assert str(tree / "src/shop/__init__.py") in _imported_from(environment, tree)


def test_a_build_that_fails_says_what_uv_said_and_leaves_nothing(
    tree: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_OFFLINE", "1")
    write(tree, {"requirements.txt": "no-such-distribution-anywhere==1.0\n"})
    with pytest.raises(EnvironmentBuildError, match="no-such-distribution-anywhere") as caught:
        _prepare(tree, data)
    assert "\n" not in str(caught.value)
    left = sorted(path.suffix for path in (data / "environments").iterdir())
    assert left == [".lock", ".use"]


def test_what_an_interrupted_build_left_is_removed_by_the_next(
    tree: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_OFFLINE", "1")
    with pytest.raises(EnvironmentBuildError):
        _prepare(tree, data)
    (lock,) = (data / "environments").glob("*.lock")
    (data / "environments" / f".{lock.stem}.half").mkdir()
    (data / "environments" / lock.stem).mkdir()
    with pytest.raises(EnvironmentBuildError):
        _prepare(tree, data)
    assert set((data / "environments").iterdir()) == {lock, lock.with_suffix(".use")}


def test_other_versions_of_python_run_the_probe(tree: Path, data: Path) -> None:
    found = [shutil.which(f"python3.{minor}") for minor in (9, 10, 12, 13)]
    tried = 0
    for python in filter(None, found):
        if not _runs_with_pytest(python):
            continue
        tried += 1
        environment = _prepare(tree, data, python=python)
        target = _target(tree)
        runner = PytestRunner(target, environment, Sandbox.of(target))
        report = runner.run(tree, timeout=60, coverage=True)
        assert report.end is RunEnd.FINISHED, report.output
        assert report.tests[0].frames[0].function == "test_where"
        assert report.coverage["test_where.py::test_where"] == {"test_where.py": frozenset({4})}
    if not tried:
        pytest.skip("no other Python with pytest is installed here")


def _runs_with_pytest(python: str) -> bool:
    asked = subprocess.run([python, "-c", "import pytest"], capture_output=True, check=False)
    return asked.returncode == 0


def test_distributions_are_told_by_their_folders() -> None:
    found = interpreters.current().distributions()
    assert {"msgspec", "pytest", "pytest-xdist"} <= found
