"""What a target asks to be installed, by its dependency files."""

from __future__ import annotations

import configparser
import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paramedic_workers.errors import EnvironmentBuildError
from paramedic_workers.healing.interpreters import normalised
from paramedic_workers.settings import TargetSettings

#: Extras, groups and requirement files of these names hold what tests need.
_TEST_NAMES = ("test", "tests", "testing", "dev", "develop", "development")
_REQUIREMENT_FILES = ("requirements.txt", "requirements/base.txt", "requirements/main.txt")
_INCLUDE = re.compile(r"^\s*(?:-r|-c|--requirement|--constraint)[\s=]+(\S+)", re.MULTILINE)
_REQUIREMENT = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Dependencies:
    """What is to be installed for one project."""

    #: The project's folder, relative to the working tree.
    folder: str
    #: Requirement files, relative to the project's folder.
    files: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    #: Dependency groups of pyproject.toml.
    groups: tuple[str, ...] = ()
    #: Whether the project itself can be installed.
    installable: bool = False
    #: Whether its dependencies stand in pyproject.toml, so that they can be had without it.
    static: bool = False
    #: `requires-python`; empty where it says nothing.
    python: str = ""
    #: Normalised names of the distributions that are asked for, as far as files tell.
    names: frozenset[str] = frozenset()
    #: Changes with everything that decides what is installed.
    digest: str = ""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to install."""
        return not (self.files or self.groups or self.installable)


def read_dependencies(target: TargetSettings, root: Path) -> Dependencies:
    """What a target's settings and the files of a working tree ask for.

    Raises:
        EnvironmentBuildError: pyproject.toml cannot be read.
    """
    folder = _project_folder(target, root)
    project = root / folder
    pyproject = _pyproject(project / "pyproject.toml")
    extras, groups = _extras(project, pyproject), _groups(pyproject)
    files = tuple(_requirement_files(project))
    if target.requirements:
        files = tuple(r for r in target.requirements if (project / r).is_file())
        extras = tuple(r for r in target.requirements if r not in files)
        groups = ()
    read = (*files, "pyproject.toml", "setup.py", "setup.cfg")
    texts = dict(_texts(project, read))
    chosen = repr((folder, files, extras, groups))
    return Dependencies(
        folder=folder,
        files=files,
        extras=extras,
        groups=groups,
        installable=_is_installable(project, pyproject),
        static="project" in pyproject and "dependencies" not in _dynamic(pyproject),
        python=str(_table(pyproject, "project").get("requires-python", "")),
        names=frozenset(_names(pyproject, extras, groups, [texts[f] for f in texts if f in files])),
        digest=hashlib.sha256("\0".join([chosen, *map(repr, texts.items())]).encode()).hexdigest(),
    )


def _project_folder(target: TargetSettings, root: Path) -> str:
    """The folder in which pytest starts, where it is a project of its own; else the top."""
    folder = root / target.directory
    signs = ("pyproject.toml", "setup.py", "setup.cfg", "requirements.txt")
    return target.directory if any((folder / sign).is_file() for sign in signs) else "."


def _pyproject(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise EnvironmentBuildError(
            f"pyproject.toml cannot be read: {error}.", remedy="Correct it."
        ) from error


def _table(parent: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = parent.get(name, {})
    return table if isinstance(table, dict) else {}


def _dynamic(pyproject: Mapping[str, Any]) -> list[str]:
    return list(_table(pyproject, "project").get("dynamic", []))


def _extras(project: Path, pyproject: Mapping[str, Any]) -> tuple[str, ...]:
    declared = set(_table(_table(pyproject, "project"), "optional-dependencies"))
    declared |= set(_table(_table(_table(pyproject, "tool"), "poetry"), "extras"))
    if (project / "setup.cfg").is_file():
        setup = configparser.ConfigParser(interpolation=None, strict=False)
        setup.read(project / "setup.cfg", encoding="utf-8")
        if setup.has_section("options.extras_require"):
            declared |= set(setup.options("options.extras_require"))
    if (project / "setup.py").is_file():
        script = (project / "setup.py").read_text(encoding="utf-8", errors="replace")
        declared |= {n for n in _TEST_NAMES if re.search(rf"['\"]{n}['\"]\s*:", script)}
    return tuple(name for name in _TEST_NAMES if name in declared)


def _groups(pyproject: Mapping[str, Any]) -> tuple[str, ...]:
    declared = _table(pyproject, "dependency-groups")
    return tuple(name for name in _TEST_NAMES if name in declared)


def _requirement_files(project: Path) -> Iterator[str]:
    candidates = list(_REQUIREMENT_FILES)
    for name in _TEST_NAMES:
        candidates += [f"requirements/{name}.txt", f"{name}-requirements.txt"]
        candidates += [f"requirements-{name}.txt", f"requirements_{name}.txt"]
    yield from (name for name in candidates if (project / name).is_file())


def _is_installable(project: Path, pyproject: Mapping[str, Any]) -> bool:
    if (project / "setup.py").is_file() or "project" in pyproject:
        return True
    if "build-system" in pyproject:
        return True
    setup = project / "setup.cfg"
    return setup.is_file() and "[metadata]" in setup.read_text(encoding="utf-8", errors="replace")


def _texts(project: Path, names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The files and all requirement files that they include, each once."""
    waiting, seen = list(names), set()
    while waiting:
        name = waiting.pop(0)
        file = (project / name).resolve()
        if file in seen or not file.is_file() or not file.is_relative_to(project.resolve()):
            continue
        seen.add(file)
        text = file.read_text(encoding="utf-8", errors="replace")
        yield name, text
        if name.endswith(".txt"):
            waiting += [str(Path(name).parent / found) for found in _INCLUDE.findall(text)]


def _names(
    pyproject: Mapping[str, Any],
    extras: tuple[str, ...],
    groups: tuple[str, ...],
    requirement_texts: list[str],
) -> Iterator[str]:
    project = _table(pyproject, "project")
    lines = list(project.get("dependencies", []))
    for extra in extras:
        lines += _table(project, "optional-dependencies").get(extra, [])
    for group in groups:
        lines += [x for x in pyproject["dependency-groups"][group] if isinstance(x, str)]
    for line in (*lines, *requirement_texts):
        yield from map(normalised, _REQUIREMENT.findall(line))
