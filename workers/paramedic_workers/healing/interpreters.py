"""Python interpreters as they lie on disk, and what of the disk they need to run.

Virtual environments are read, never run: one that lies in a checkout is target code.
"""

from __future__ import annotations

import json
import os
import re
import site
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from paramedic_workers.errors import EnvironmentBuildError

_ASK = (
    "import importlib.util, json, sys; print(json.dumps({'python': sys.executable,"
    " 'prefixes': [sys.prefix, sys.base_prefix, sys.exec_prefix], 'path': sys.path,"
    " 'pytest': importlib.util.find_spec('pytest') is not None}))"
)
_ASK_SECONDS = 30.0
_NAME = re.compile(r"[-_.]+")


@dataclass(frozen=True, kw_only=True)
class Interpreter:
    """One interpreter with the packages it can import."""

    python: Path
    #: Folders that hold installed packages.
    packages: tuple[Path, ...]
    #: What must be readable for it to run.
    readable: tuple[Path, ...]

    def has(self, module: str) -> bool:
        """Whether a module or package of that name is installed."""
        return any(
            (folder / module / "__init__.py").is_file() or (folder / f"{module}.py").is_file()
            for folder in self.packages
        )

    def distributions(self) -> frozenset[str]:
        """Normalised names of the distributions that are installed."""
        found = (entry for folder in self.packages for entry in folder.glob("*.*-info"))
        return frozenset(normalised(entry.name.partition("-")[0]) for entry in found)


def normalised(name: str) -> str:
    """A distribution's name as it is compared: lower case, runs of `-_.` as one `-`."""
    return _NAME.sub("-", name).lower()


def current() -> Interpreter:
    """The interpreter that this process runs in."""
    packages = tuple(Path(p) for p in sys.path if Path(p).name.endswith("-packages"))
    prefixes = {sys.prefix, sys.base_prefix, sys.exec_prefix}
    python = Path(sys.executable)
    return Interpreter(
        python=python,
        packages=packages or tuple(map(Path, site.getsitepackages())),
        readable=_needed(python, map(Path, prefixes)),
    )


def base_executable() -> Path:
    """The interpreter that environments are made from: never itself a virtual environment."""
    return Path(getattr(sys, "_base_executable", "") or sys.executable)


def virtual_environment(folder: Path) -> Interpreter | None:
    """The virtual environment in a folder; None where there is none. Nothing of it is run."""
    python = folder / "bin" / "python"
    configuration = folder / "pyvenv.cfg"
    if not configuration.is_file() or not python.exists():
        return None
    settings = dict(_settings(configuration))
    home = Path(settings.get("home", "/usr/bin"))
    packages = tuple(sorted(folder.glob("lib/python3*/site-packages")))
    return Interpreter(
        python=python, packages=packages, readable=_needed(python, (folder, home.parent))
    )


def configured(python: str) -> Interpreter:
    """The interpreter that settings name; it is run once, with an empty environment.

    Raises:
        EnvironmentBuildError: it does not exist, does not run, or has no pytest.
    """
    remedy = "Correct `python` in the target's settings."
    path = Path(python).expanduser().absolute()
    if not path.is_file():
        raise EnvironmentBuildError(f"There is no interpreter {path}.", remedy=remedy)
    kept = {k: os.environ[k] for k in ("PATH", "HOME") if k in os.environ}
    try:
        asked = subprocess.run(
            [path, "-c", _ASK],
            cwd="/",
            env={**kept, "LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_ASK_SECONDS,
            check=True,
        )
        told = json.loads(asked.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise EnvironmentBuildError(
            f"{path} does not run: {_why(error)}.", remedy=remedy
        ) from error
    if not told["pytest"]:
        raise EnvironmentBuildError(f"{path} has no pytest.", remedy="Install pytest into it.")
    imported = [Path(p) for p in told["path"] if p and Path(p).is_dir()]
    prefixes = [Path(prefix) for prefix in told["prefixes"]]
    return Interpreter(
        python=Path(told["python"]),
        packages=tuple(imported),
        readable=_needed(Path(told["python"]), [*prefixes, *imported]),
    )


def _why(error: Exception) -> str:
    """In a few words, why an interpreter did not answer."""
    if isinstance(error, OSError):
        return (error.strerror or type(error).__name__).lower()
    return "it does not answer as an interpreter does"


def _settings(configuration: Path) -> Iterator[tuple[str, str]]:
    for line in configuration.read_text(errors="replace").splitlines():
        key, equals, value = line.partition("=")
        if equals:
            yield key.strip(), value.strip()


def _needed(python: Path, prefixes: Iterable[Path]) -> tuple[Path, ...]:
    """The prefixes, and those that the chain of links behind `python` goes through."""
    found: dict[Path, None] = {}
    for prefix in (*prefixes, *_installations(python)):
        if _may_be_shown(prefix):
            found[prefix] = None
    inside = [p for p in found if any(q != p and p.is_relative_to(q) for q in found)]
    return tuple(p for p in found if p not in inside)


def _installations(python: Path) -> Iterator[Path]:
    path = python
    for _ in range(20):
        prefix = path.parent.parent
        if any(prefix.glob("lib/python3*")):
            yield prefix
            yield prefix.resolve()
        if not path.is_symlink():
            return
        path = Path(os.path.normpath(path.parent / path.readlink()))


def _may_be_shown(path: Path) -> bool:
    """Never the root folder, never a home, nothing of the system (which is there anyway)."""
    hidden = {Path("/"), Path.home(), Path("/home"), Path("/root"), Path("/tmp")}
    return (
        path.is_absolute()
        and path not in hidden
        and not path.is_relative_to("/usr")
        and path.exists()
    )
