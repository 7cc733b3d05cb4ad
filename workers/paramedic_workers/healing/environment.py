"""The target's environment: an interpreter with its dependencies, found or built.

1. `python` in the target's settings.
2. For a checkout: its own `.venv` or `venv`, the active virtual environment, or the
   present interpreter, if pytest (and, outside the checkout, what the project asks for)
   is there: `paramedic heal .` then needs no network. Of the interpreter that Paramedic
   itself runs in, the target sees only what is not there for Paramedic.
3. Else one is built with uv from the dependency files, and kept by their hash.

Whatever is installed, the project's own modules come from the working tree.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from paramedic_workers.healing import interpreters, trees
from paramedic_workers.healing.builder import Built, build_environment
from paramedic_workers.healing.dependencies import Dependencies, read_dependencies
from paramedic_workers.healing.interpreters import Interpreter
from paramedic_workers.healing.locks import Use
from paramedic_workers.healing.model import Deadline, Launcher
from paramedic_workers.healing.ourselves import is_our_own, without_ourselves
from paramedic_workers.healing.sandbox import Sandbox
from paramedic_workers.settings import TargetSettings

_SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
_QUOTED_PATH = re.compile(r"""['"](/[^'"]+)['"]""")


@dataclass(frozen=True, kw_only=True)
class TargetEnvironment:
    """An interpreter with pytest and the target's dependencies."""

    python: Path
    #: One line for reports.
    description: str
    #: What must be readable for it to run.
    readable: tuple[Path, ...] = ()
    #: Folders of a working tree, relative to it, that modules are imported from.
    sources: tuple[str, ...] = ()
    #: Files that building the project adds to its packages: name in the tree -> where it is.
    additions: tuple[tuple[str, Path], ...] = ()
    #: Keeps one of our own from being removed for as long as it is referenced.
    use: Use | None = field(default=None, compare=False)

    def import_paths(self, root: Path) -> tuple[Path, ...]:
        """The folders of a working tree that come first on the import path."""
        folders = [root / source for source in self.sources]
        return tuple(dict.fromkeys(folder for folder in folders if folder.is_dir()))

    def search_path(self) -> str:
        """What PATH should be: the environment's own programs first."""
        return f"{self.python.parent}:{_SYSTEM_PATH}"

    def complete(self, root: Path) -> None:
        """Add to a working tree what building the project would add, where it is missing."""
        for name, file in self.additions:
            if not os.path.lexists(root / name):
                trees.write_file(root, name, file.read_bytes(), 0o644)


def prepare_environment(
    target: TargetSettings,
    root: Path,
    *,
    data: Path,
    launcher: Launcher | None = None,
    deadline: Deadline,
    checkout: Path | None = None,
) -> TargetEnvironment:
    """The environment in which the target's tests run.

    Args:
        target: the target's settings.
        root: a clean working tree, which is only read.
        data: the data directory; environments are kept in it.
        launcher: what target code runs in; building runs in the same, with network.
        deadline: by when it must be there.
        checkout: the user's checkout, where it is what is healed.

    Raises:
        EnvironmentBuildError: it cannot be had; holds the last lines of uv's output.
        SandboxError: the sandbox is required and cannot be set up.
    """
    if target.python:
        found = interpreters.configured(target.python)
        return _existing(found, target, root, f"{target.python} (configured)", checkout)
    dependencies = read_dependencies(target, root)
    if checkout is not None:
        local = _local(target, checkout, dependencies)
        if local is not None:
            name, found = local
            if is_our_own(found) and not found.python.is_relative_to(checkout):
                wanted = dependencies.names
                view = without_ourselves(found, wanted, data=data, deadline=deadline)
                name += ", without what only Paramedic needs"
                environment = _existing(view.interpreter, target, root, name, checkout)
                return replace(environment, use=view.use)
            return _existing(found, target, root, name, checkout)
    sandbox = launcher if isinstance(launcher, Sandbox) else Sandbox.of(target)
    built = build_environment(
        target.name, root, dependencies, data=data, sandbox=sandbox, deadline=deadline
    )
    return _of_built(built, target, root)


def _local(
    target: TargetSettings, checkout: Path, dependencies: Dependencies
) -> tuple[str, Interpreter] | None:
    """An interpreter that is there already, with a name for it; None where none will do."""
    for name, found in _candidates(checkout, target.directory):
        own = found.python.is_relative_to(checkout)
        wanted = frozenset() if own else dependencies.names
        if found.has("pytest") and wanted <= found.distributions():
            return name, found
    return None


def _candidates(checkout: Path, directory: str) -> Iterator[tuple[str, Interpreter]]:
    for folder in dict.fromkeys((checkout / directory, checkout)):
        for name in (".venv", "venv"):
            found = interpreters.virtual_environment(folder / name)
            if found is not None:
                yield f"{folder / name} (of the checkout)", found
    active = os.environ.get("VIRTUAL_ENV")
    found = interpreters.virtual_environment(Path(active)) if active else None
    if found is not None:
        yield f"{active} (active)", found
    here = interpreters.current()
    yield f"{here.python} (the present interpreter)", here


def _existing(
    found: Interpreter, target: TargetSettings, root: Path, name: str, checkout: Path | None
) -> TargetEnvironment:
    """An environment that somebody else has made: editable installs point to our tree."""
    home = checkout or Path(target.repository).expanduser()
    linked = list(_linked_folders(found))
    inside = [str(path.relative_to(home)) for path in linked if path.is_relative_to(home)]
    outside = [path for path in linked if not path.is_relative_to(home)]
    readable = [path for path in found.readable if path != home]
    return TargetEnvironment(
        python=found.python,
        description=name,
        readable=(*readable, *outside),
        sources=(*inside, *_usual_sources(target, root)),
    )


def _linked_folders(found: Interpreter) -> Iterator[Path]:
    """Folders that installed packages are imported from in place (editable installs)."""
    for packages in found.packages:
        for file in packages.glob("*.pth"):
            lines = file.read_text(errors="replace").splitlines()
            yield from (
                Path(line) for line in lines if line.startswith("/") and Path(line).is_dir()
            )
        for file in packages.glob("__editable__*finder.py"):
            for path in _QUOTED_PATH.findall(file.read_text(errors="replace")):
                if Path(path).is_dir():
                    yield Path(path).parent


def _usual_sources(target: TargetSettings, root: Path) -> tuple[str, ...]:
    """`src` folders that hold packages, the folder in which pytest starts, and the top."""
    folders = dict.fromkeys((Path(target.directory), Path()))
    nested = [folder / "src" for folder in folders if _holds_packages(root / folder / "src")]
    return tuple(str(folder) for folder in (*nested, *folders))


def _holds_packages(folder: Path) -> bool:
    return folder.is_dir() and not (folder / "__init__.py").exists()


def _of_built(built: Built, target: TargetSettings, root: Path) -> TargetEnvironment:
    found = interpreters.virtual_environment(built.folder)
    if found is None:
        raise FileNotFoundError(built.folder / "pyvenv.cfg")
    environment = _existing(found, target, root, built.description, None)
    return replace(
        environment,
        sources=tuple(dict.fromkeys((*built.sources, *environment.sources))),
        additions=built.additions,
        use=built.use,
    )
