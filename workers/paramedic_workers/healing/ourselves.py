"""The present interpreter without what only Paramedic has brought into it.

A target whose dependencies are declared nowhere is tested with the interpreter at hand:
the one that Paramedic runs in. Were Paramedic's own dependencies seen there, an import of
the target that nobody declared would pass by accident. So the target gets an empty virtual
environment, in which every other installed package is linked. It takes no network and
hardly any time, and is kept for all targets that ask for the same.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
import tempfile
import venv
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from importlib.metadata import Distribution, distributions
from pathlib import Path

from paramedic_workers.healing.interpreters import (
    Interpreter,
    current,
    normalised,
    virtual_environment,
)
from paramedic_workers.healing.locks import Use, locked
from paramedic_workers.healing.model import Deadline

#: Part of every name: a change of how the environments are made makes all of them anew.
_SCHEME = 1
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
_OF_EXTRA = re.compile(r";.*\bextra\s*==")
_OURSELVES = frozenset({"paramedic", "paramedic-workers"})


@dataclass(frozen=True, kw_only=True)
class View:
    """An interpreter that sees less than ours."""

    interpreter: Interpreter
    #: Keeps it from being removed for as long as it is referenced.
    use: Use


def is_our_own(found: Interpreter) -> bool:
    """Whether the interpreter has the very packages that this process runs with."""
    return found.packages == current().packages


def without_ourselves(
    found: Interpreter, wanted: frozenset[str], *, data: Path, deadline: Deadline
) -> View:
    """An environment with pytest, what is asked for, and all that Paramedic does not need.

    Args:
        found: an interpreter that is our own.
        wanted: normalised names of distributions that the target asks for.
        data: the data directory; environments are kept in it.
        deadline: by when it must be there.

    Raises:
        HealerError: another process did not finish making the same one in time.
    """
    installed = _installed(found)
    visible = _visible(installed, wanted)
    folder = data.resolve() / "environments" / f"present-{_key(found, installed, visible)}"
    use = Use.begin(folder)
    if not folder.is_dir():
        with locked(folder.with_suffix(".lock"), deadline):
            if not folder.is_dir():
                _make(folder, [installed[name] for name in sorted(visible)])
    made = virtual_environment(folder)
    if made is None:
        raise FileNotFoundError(folder / "pyvenv.cfg")
    # What is linked must be readable where it really is.
    readable = tuple(dict.fromkeys((*made.readable, *found.readable)))
    return View(interpreter=replace(made, readable=readable), use=use)


def _installed(found: Interpreter) -> dict[str, Distribution]:
    """The installed distributions by normalised name; of several of one name, the first."""
    by_name: dict[str, Distribution] = {}
    for distribution in distributions(path=[str(folder) for folder in found.packages]):
        if distribution.name:
            by_name.setdefault(normalised(distribution.name), distribution)
    return by_name


def _visible(installed: Mapping[str, Distribution], wanted: frozenset[str]) -> frozenset[str]:
    """All but what is installed for Paramedic alone."""
    for_us = _with_requirements(_OURSELVES, installed, of_extras=True)
    others = installed.keys() - for_us
    return _with_requirements({"pytest", *others, *wanted}, installed) - _OURSELVES


def _with_requirements(
    names: Set[str], installed: Mapping[str, Distribution], *, of_extras: bool = False
) -> frozenset[str]:
    """These distributions and all that they need, as far as they are installed.

    With `of_extras` also what the named ones need for any of their extras.
    """
    waiting, found = list(names), set[str]()
    while waiting:
        name = waiting.pop()
        if name in installed and name not in found:
            found.add(name)
            waiting += _requirements(installed[name], of_extras=of_extras and name in names)
    return frozenset(found)


def _requirements(distribution: Distribution, *, of_extras: bool = False) -> Iterator[str]:
    """What it needs by itself, or for any of its extras too.

    Other markers are not read: what they rule out is hardly installed.
    """
    for line in distribution.requires or ():
        name = _REQUIREMENT.match(line)
        if name and (of_extras or not _OF_EXTRA.search(line)):
            yield normalised(name[1])


def _key(found: Interpreter, installed: Mapping[str, Distribution], visible: frozenset[str]) -> str:
    versions = [f"{name} {installed[name].version}" for name in sorted(visible)]
    parts = (str(_SCHEME), str(sys.version_info[:3]), *map(str, found.packages), *versions)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


def _make(folder: Path, linked: Iterable[Distribution]) -> None:
    staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        venv.create(staging, symlinks=True, with_pip=False)
        (packages,) = staging.glob("lib/python3*/site-packages")
        for distribution in linked:
            _link(distribution, packages)
        staging.chmod(0o755)
        staging.rename(folder)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise


def _link(distribution: Distribution, packages: Path) -> None:
    """Link every file and folder that it has put beside other packages."""
    tops = {file.parts[0] for file in distribution.files or () if file.parts[0] != ".."}
    for top in tops - {"__pycache__"}:
        place = Path(str(distribution.locate_file(top)))
        if place.exists() and not os.path.lexists(packages / top):
            (packages / top).symlink_to(place)
