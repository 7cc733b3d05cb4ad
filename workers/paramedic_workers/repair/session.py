"""The engine's side of the warm process: start it, ask it, start it again when it dies."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import msgspec

from paramedic_workers.errors import EnvironmentBuildError
from paramedic_workers.repair.inside.channel import Channel, Closed
from paramedic_workers.repair.messages import Greeting, Hello
from paramedic_workers.repair.model import Command, Process, Project

T = TypeVar("T")

_INSIDE = Path(__file__).parent / "inside"

#: Imports `inside/` under a name that no project has, then hands over.
_BOOT = """
import importlib, importlib.util, os, sys
folder = sys.argv[1]
spec = importlib.util.spec_from_file_location(
    "_paramedic_inside", os.path.join(folder, "__init__.py"), submodule_search_locations=[folder])
package = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = package
spec.loader.exec_module(package)
importlib.import_module("_paramedic_inside.zygote").main([int(n) for n in sys.argv[2:]])
"""

#: Seconds that pytest may take to be imported.
_START_SECONDS = 60.0


class WarmProcessLost(Exception):
    """The warm process died or did not answer; its session can be opened again."""


class Session:
    """A zygote and its warm process, for one repair. Use as a context manager."""

    def __init__(self, project: Project, *, seed: int, patience: float) -> None:
        """Start the zygote.

        Args:
            project: what is repaired.
            seed: of hashes and random numbers.
            patience: seconds after which an opening is given up.

        Raises:
            EnvironmentBuildError: the interpreter has no pytest, or does not start.
        """
        self._project = project
        self._patience = patience
        self._seed = seed
        self._files: Sequence[str] = ()
        self._texts: dict[str, str] = {}
        self._start()

    def __enter__(self) -> Session:
        """Nothing more to do: it is started."""
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Kill every process of the session."""
        self.close()

    def open(self, files: Sequence[str], texts: Mapping[str, str] | None = None) -> Greeting:
        """Collect these files in a new warm process, in place of any earlier one.

        Args:
            files: absolute paths of tests.
            texts: absolute path -> what is imported in place of the file on disk.

        Raises:
            WarmProcessLost: collecting took too long, or killed the process.
        """
        self._files, self._texts = files, dict(texts or {})
        request = {"kind": "open", "files": list(files), "texts": self._texts}
        self._ask(self._zygote, request, bool, _START_SECONDS)
        return self._receive(self._warm, Greeting, self._patience)

    def reopen(self) -> Greeting:
        """Collect the same files again, after the warm process was lost.

        Raises:
            WarmProcessLost: as `open`.
        """
        self._renew()
        return self.open(self._files, self._texts)

    @property
    def texts(self) -> Mapping[str, str]:
        """Absolute path -> what is imported in place of the file on disk."""
        return self._texts

    def ask(self, request: dict[str, Any], answer: type[T], timeout: float) -> T:
        """The warm process's answer.

        Raises:
            WarmProcessLost: it died, hangs, or answers nonsense.
        """
        return self._ask(self._warm, request, answer, timeout)

    def ask_zygote(self, request: dict[str, Any], answer: type[T], timeout: float) -> T:
        """The zygote's answer.

        Raises:
            WarmProcessLost: it died, hangs, or answers nonsense.
        """
        return self._ask(self._zygote, request, answer, timeout)

    def close(self) -> None:
        """Kill every process of the session."""
        self._process.kill()
        self._zygote.close()
        self._warm.close()

    def _start(self) -> None:
        self._zygote, self._warm, theirs = _pipes()
        try:
            self._process = self._launch(theirs)
        except BaseException:
            self._zygote.close()
            self._warm.close()
            raise
        finally:
            for descriptor in theirs:
                os.close(descriptor)
        self._introduce()

    def _launch(self, theirs: Sequence[int]) -> Process:
        project = self._project
        numbers = [str(descriptor) for descriptor in theirs]
        return project.launcher.start(
            Command(
                argv=[str(project.python), "-c", _BOOT, str(_INSIDE), *numbers],
                root=project.root,
                directory=project.directory,
                readable=[_INSIDE],
                environment={
                    **project.environment,
                    "PYTHONHASHSEED": str(self._seed),
                    "PYTHONDONTWRITEBYTECODE": "1",
                },
                pass_fds=theirs,
            )
        )

    def _introduce(self) -> None:
        project = self._project
        settings = {
            "root": str(project.root),
            "directory": str(project.directory),
            "import_paths": [str(path) for path in project.import_paths],
            "pytest_args": list(project.pytest_args),
            "seed": self._seed,
        }
        try:
            hello = self._ask(self._zygote, settings, Hello, _START_SECONDS)
        except WarmProcessLost as error:
            self.close()
            raise EnvironmentBuildError(
                f"{project.python} cannot be started for the repair: {error}.",
                remedy="Check that the target's `python` is an interpreter of Python 3.9 or later.",
            ) from error
        if not hello.ready:
            self.close()
            raise EnvironmentBuildError(
                f"The repair cannot run: {hello.detail}.",
                remedy="Add pytest to the target's requirements.",
            )

    def _renew(self) -> None:
        """Start everything afresh: after a loss nobody knows what is left in the pipes."""
        self.close()
        self._start()

    def _ask(self, channel: Channel, request: Any, answer: type[T], timeout: float) -> T:
        try:
            channel.send(msgspec.json.encode(request))
        except Closed as error:
            raise WarmProcessLost("it is gone") from error
        return self._receive(channel, answer, timeout)

    def _receive(self, channel: Channel, answer: type[T], timeout: float) -> T:
        try:
            return msgspec.json.decode(channel.receive(timeout), type=answer)
        except Closed as error:
            raise WarmProcessLost("it is gone") from error
        except TimeoutError as error:
            raise WarmProcessLost(f"no answer in {timeout:.0f} s") from error
        except msgspec.DecodeError as error:
            raise WarmProcessLost(f"it answers nonsense: {error}") from error


def _pipes() -> tuple[Channel, Channel, tuple[int, int, int, int]]:
    """Our ends of the two conversations, and theirs: reader, writer, reader, writer."""
    zygote_reads, to_zygote = os.pipe()
    from_zygote, zygote_writes = os.pipe()
    warm_reads, to_warm = os.pipe()
    from_warm, warm_writes = os.pipe()
    theirs = (zygote_reads, zygote_writes, warm_reads, warm_writes)
    return Channel(from_zygote, to_zygote), Channel(from_warm, to_warm), theirs
