"""Builds a target's environment with uv, once, and keeps it by the hash of what decides it.

1. An empty virtual environment is made; of the target nothing runs yet.
2. In the sandbox, with network: pytest, the dependencies and the project are installed.
   A project that cannot be built is left out where its dependencies stand in
   pyproject.toml: it may be the very thing that is broken.
3. The project's own modules are taken out again, its metadata stays: modules are to come
   from the working tree. What building has added to them (a version file, a compiled
   part) is kept apart, to be added to working trees.
4. One rename makes the environment known. From then on it is only read.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import structlog
import uv

from paramedic.redaction import without_credentials
from paramedic_workers.errors import EnvironmentBuildError
from paramedic_workers.healing import trees
from paramedic_workers.healing.dependencies import Dependencies
from paramedic_workers.healing.interpreters import base_executable, virtual_environment
from paramedic_workers.healing.locks import Use, locked
from paramedic_workers.healing.model import Command, Deadline, Process
from paramedic_workers.healing.processes import BoundedOutput
from paramedic_workers.healing.sandbox import Sandbox
from paramedic_workers.resilience.backoff import Patience
from paramedic_workers.resilience.transience import install_is_transient

_log = structlog.get_logger()

#: Part of every hash: a change of how environments are built makes all of them anew.
_SCHEME = 1
#: Written last into an environment: where its project's modules lie in the tree.
_MANIFEST = "paramedic.json"
#: Lines of uv's output that an error shows.
_SHOWN_LINES = 8
#: How an index that is away is asked again; uv itself has then tried each file four times.
_INDEX_PATIENCE = Patience(tries=3, first=2.0)
#: Variables that say how packages are reached; no others of the worker's are passed on.
_PASSED_ON = (
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "UV_NATIVE_TLS", "UV_SYSTEM_CERTS", "UV_INSECURE_HOST"),
    *("UV_INDEX", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS"),
    *("UV_OFFLINE", "UV_HTTP_TIMEOUT", "UV_HTTP_RETRIES", "UV_EXCLUDE_NEWER", "UV_CONSTRAINT"),
)
#: Those among them that may name files, which must then be readable.
_PATHS = ("SSL_CERT_FILE", "SSL_CERT_DIR", "UV_FIND_LINKS", "UV_CONSTRAINT")
#: A tree without its history cannot tell its version: tools that ask for it are told this.
_VERSION = {
    "SETUPTOOLS_SCM_PRETEND_VERSION": "0.0.0",
    "PBR_VERSION": "0.0.0",
    "POETRY_DYNAMIC_VERSIONING_BYPASS": "0.0.0",
}


@dataclass(frozen=True, kw_only=True)
class Built:
    """A finished environment."""

    folder: Path
    description: str
    #: Folders of a working tree that hold the project's modules.
    sources: tuple[str, ...]
    #: Name in a working tree -> file, for what building adds to the project's packages.
    additions: tuple[tuple[str, Path], ...]
    #: Keeps the environment from being removed for as long as it is referenced.
    use: Use


def build_environment(
    name: str,
    root: Path,
    dependencies: Dependencies,
    *,
    data: Path,
    sandbox: Sandbox,
    deadline: Deadline,
) -> Built:
    """The environment for these dependencies: kept from before, or built now.

    Raises:
        EnvironmentBuildError: it cannot be built; holds the last lines of uv's output.
    """
    folder = data.resolve() / "environments" / _key(dependencies)
    use = Use.begin(folder)
    if not (folder / _MANIFEST).is_file():
        with locked(folder.with_suffix(".lock"), deadline):
            if not (folder / _MANIFEST).is_file():
                _log.info("environment_building", target=name)
                _Build(name, root, dependencies, data.resolve(), sandbox, deadline).into(folder)
    return _read(folder, use)


def _key(dependencies: Dependencies) -> str:
    version = f"{_SCHEME} {sys.version_info[:3]} {base_executable()}"
    return hashlib.sha256(f"{version}\0{dependencies.digest}".encode()).hexdigest()[:24]


def _read(folder: Path, use: Use) -> Built:
    manifest = json.loads((folder / _MANIFEST).read_text())
    return Built(
        folder=folder,
        description=manifest["description"],
        sources=tuple(manifest["sources"]),
        additions=tuple((n, folder / "additions" / n) for n in manifest["additions"]),
        use=use,
    )


@dataclass(frozen=True)
class _Build:
    """One build in a folder of its own, which is renamed at the end or removed."""

    name: str
    root: Path
    dependencies: Dependencies
    data: Path
    sandbox: Sandbox
    deadline: Deadline

    def into(self, folder: Path) -> None:
        for half_made in folder.parent.glob(f".{folder.name}.*"):
            trees.remove_tree(half_made)
        trees.remove_tree(folder)
        staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            environment = self._build(staging)
            environment.rename(folder)
        finally:
            trees.remove_tree(staging)

    def _build(self, staging: Path) -> Path:
        environment = staging / "environment"
        self._make_empty(staging, environment)
        manifest: dict[str, Any] = {"sources": [], "additions": []}
        project = self._install(staging, environment)
        if project is not None:
            manifest = _take_out(project, environment, self.root)
        manifest["description"] = f"built with uv for {self.name}" + (
            "" if project or self.dependencies.empty else ", without the project itself"
        )
        if os.geteuid() == 0:
            trees.hand_over(environment, 0)
        (environment / _MANIFEST).write_text(json.dumps(manifest))
        environment.chmod(0o755)
        return environment

    def _make_empty(self, staging: Path, environment: Path) -> None:
        """Only uv runs here, so it may use the worker's files to find an interpreter."""
        base = base_executable()
        wanted = self.dependencies.python or str(base)
        command = [
            uv.find_uv_bin(),
            "venv",
            "--quiet",
            "--no-project",
            "--no-config",
            "--relocatable",
        ]
        command += ["--python-preference", "system", "--python", wanted, str(environment)]
        variables = {
            **self._variables(),
            "PATH": f"{base.parent}:{os.environ.get('PATH', '/usr/bin:/bin')}",
            "HOME": str(Path.home()),
            "UV_PYTHON_INSTALL_DIR": str(self.data / "interpreters"),
        }
        try:
            made = subprocess.run(
                command,
                cwd=staging,
                env=variables,
                umask=0o022,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=self.deadline.left(),
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise _failure(self.name, "uv was not done in time") from None
        if made.returncode != 0:
            raise _failure(self.name, _last_lines(made.stderr))

    def _install(self, staging: Path, environment: Path) -> Path | None:
        """Install everything; gives the copy of the project, None where it was left out."""
        wanted = self.dependencies
        source = staging / "source"
        shutil.copytree(self.root, source, symlinks=True, ignore=shutil.ignore_patterns(".git"))
        project = source / wanted.folder
        arguments = ["pytest", *_requirement_arguments(wanted, project)]
        if not wanted.installable:
            self._pip(staging, environment, arguments)
            return None
        extras = f"[{','.join(wanted.extras)}]" if wanted.extras else ""
        try:
            self._pip(staging, environment, [*arguments, f"{project}{extras}"])
        except EnvironmentBuildError as error:
            if not wanted.static or error.transient:
                raise
            _log.warning("project_not_built", target=self.name, error=error.message)
            chosen = [word for extra in wanted.extras for word in ("--extra", extra)]
            static = ["-r", str(project / "pyproject.toml"), *chosen]
            self._pip(staging, environment, [*arguments, *static])
            return None
        return project

    def _pip(self, staging: Path, environment: Path, arguments: list[str]) -> None:
        cache = self.data / "cache" / f"uv-{self.name or 'target'}"
        use = Use.begin(cache)
        cache.mkdir(exist_ok=True)
        found = virtual_environment(environment)
        needed = found.readable if found else ()
        variables = {**self._variables(), **_VERSION, "UV_CACHE_DIR": str(cache)}
        command = ["pip", "install", "--quiet", "--no-config", "--compile-bytecode"]
        command += ["--link-mode=copy", "--python", str(environment / "bin" / "python")]
        install = partial(
            self._run, [*command, *arguments], staging, variables, cache=cache, readable=needed
        )
        _INDEX_PATIENCE.persist(install, left=self.deadline.left)
        use.release()

    def _variables(self) -> dict[str, str]:
        passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        return {**passed, "UV_NO_PROGRESS": "1", "UV_NO_ENV_FILE": "1", "NO_COLOR": "1"}

    def _run(
        self,
        command: list[str],
        staging: Path,
        variables: dict[str, str],
        *,
        cache: Path,
        readable: tuple[Path, ...],
    ) -> None:
        """Run uv in the sandbox: it builds packages, and so runs code of the target."""
        program = Path(uv.find_uv_bin())
        output = BoundedOutput()
        try:
            process = self.sandbox.with_network().start(
                Command(
                    argv=[str(program), *command],
                    root=staging,
                    readable=(program, *readable, *_named_paths(variables)),
                    writable=(cache,),
                    environment=variables,
                    output=output.descriptor,
                )
            )
        finally:
            output.close()
        status = _ended(process, self.deadline)
        text = output.text()
        if status is None:
            raise _failure(self.name, "uv was not done in time")
        if status != 0:
            said = _last_lines(text) or f"uv left with status {status}"
            raise _failure(self.name, said, transient=install_is_transient(text))


def _ended(process: Process, deadline: Deadline) -> int | None:
    """The exit status; None where the time was up."""
    try:
        return process.wait(deadline.left())
    except TimeoutError:
        return None
    finally:
        process.kill()


def _named_paths(variables: dict[str, str]) -> tuple[Path, ...]:
    named = (Path(variables[name]) for name in _PATHS if name in variables)
    return tuple(path for path in named if path.is_absolute() and path.exists())


def _requirement_arguments(wanted: Dependencies, project: Path) -> Iterator[str]:
    for file in wanted.files:
        yield from ("-r", str(project / file))
    for group in wanted.groups:
        yield from ("--group", f"{project / 'pyproject.toml'}:{group}")


def _take_out(project: Path, environment: Path, root: Path) -> dict[str, Any]:
    """Take the project's modules out of the environment; says where they lie in the tree."""
    record = _record_of(project, environment)
    if record is None:
        return {"sources": [], "additions": []}
    packages = record.parent.parent
    with record.open(newline="", encoding="utf-8") as file:
        names = [PurePosixPath(row[0]) for row in csv.reader(file) if row]
    own = [n for n in names if not n.parts[0].endswith(".dist-info") and n.parts[0] != ".."]
    places = {top: _place(top, root) for top in dict.fromkeys(n.parts[0] for n in own)}
    additions = []
    for name in own:
        installed, place = packages / name, places[name.parts[0]]
        if installed.suffix == ".pyc" or not installed.is_file():
            continue
        if place is not None and not (root / place / name).exists():
            additions.append(str(PurePosixPath(place) / name))
            _move(installed, environment / "additions" / additions[-1])
        elif place is not None:
            installed.unlink()
        if place is not None:
            _remove_compiled(installed)
    _remove_empty_folders(packages, own)
    found = [place for place in places.values() if place is not None]
    return {"sources": list(dict.fromkeys(found)), "additions": additions}


def _record_of(project: Path, environment: Path) -> Path | None:
    """RECORD of the distribution that was installed from the project's folder."""
    for file in environment.glob("lib/python3*/site-packages/*.dist-info/direct_url.json"):
        if json.loads(file.read_text()).get("url") == project.resolve().as_uri():
            return file.parent / "RECORD"
    return None


def _place(top: str, root: Path) -> str | None:
    """The folder of the tree that holds a top-level module; None where it is generated."""
    for folder in ("src", ".", "lib", "python", "source"):
        if (root / folder / top).exists():
            return folder
    for depth in ("*", "*/*", "*/*/*"):
        for found in sorted(root.glob(f"{depth}/{top}")):
            return str(found.parent.relative_to(root))
    return None


def _move(file: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    file.rename(place)


def _remove_compiled(module: Path) -> None:
    for compiled in (module.parent / "__pycache__").glob(f"{module.stem}.*.pyc"):
        compiled.unlink()


def _remove_empty_folders(packages: Path, names: list[PurePosixPath]) -> None:
    folders = {packages / parent for name in names for parent in name.parents if parent.name}
    folders |= {folder / "__pycache__" for folder in folders}
    for folder in sorted(folders, key=lambda f: len(f.parts), reverse=True):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _last_lines(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " | ".join(lines[-_SHOWN_LINES:])


def _failure(name: str, said: str, *, transient: bool = False) -> EnvironmentBuildError:
    remedy = "Correct the dependency files, or name an interpreter with `python`."
    return EnvironmentBuildError(
        f"The dependencies of {name or 'the target'} cannot be installed: "
        f"{without_credentials(said)[:2000]}",
        remedy="Is the package index reachable from here?" if transient else remedy,
        transient=transient,
    )
