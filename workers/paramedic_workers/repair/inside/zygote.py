"""The zygote: has imported pytest and nothing of the target, and forks what is asked for.

Started by the engine with four inherited pipe ends as arguments. Requests:

    open    fork the warm process, which collects these files and greets on its own
            pipes; once for each zygote; `texts` are imported in place of files on disk
    rerun   try a change that needs its module imported anew (`rerun.py`)
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from .channel import Channel, Closed
from .children import Nursery, count_processes, silence_standard_streams


def main(descriptors: list[int]) -> None:
    """Answer the engine on the first pair of pipes until it is gone.

    Args:
        descriptors: reader and writer of the zygote, reader and writer of the warm process.
    """
    own = Channel(descriptors[0], descriptors[1])
    warm = Channel(descriptors[2], descriptors[3])
    silence_standard_streams()
    settings = own.receive_object()
    _settle(settings)
    try:
        import pytest
    except ImportError:
        own.send_object({"ready": False, "detail": f"{sys.executable} has no pytest"})
        return
    version = f"Python {sys.version.split()[0]}, pytest {pytest.__version__}"
    own.send_object({"ready": True, "detail": version})
    try:
        Zygote(settings, own, warm).answer_requests()
    except Closed:
        return


def _settle(settings: dict[str, Any]) -> None:
    """Make this process look like one in which `python -m pytest` was started."""
    os.chdir(settings["directory"])
    sys.dont_write_bytecode = True
    sys.argv[:] = ["pytest"]
    sys.path[0:1] = [*settings["import_paths"], settings["directory"]]


class Zygote:
    """Forks warm processes and reruns."""

    def __init__(self, settings: dict[str, Any], own: Channel, warm: Channel) -> None:
        """Import all that children will need."""
        from . import rerun
        from . import warm as warm_module

        self._rerun = rerun
        self._warm_module = warm_module
        self._settings = settings
        self._own = own
        self._warm = warm
        self._warm_process: set[int] = set()
        count_processes()
        self._nursery = Nursery(private=(own.reader, own.writer), keep=self._warm_process)

    def answer_requests(self) -> None:
        """Answer until the engine is gone.

        Raises:
            Closed: it is.
        """
        answers = {"open": self._open, "rerun": self._try_anew}
        while True:
            request = self._own.receive_object()
            self._own.send_object(answers[request["kind"]](request))

    def _open(self, request: dict[str, Any]) -> bool:
        child = os.fork()
        if child == 0:
            try:
                self._nursery.die_with_parent()
                for path, text in request["texts"].items():
                    self._rerun.import_from_text(path, text)
                self._warm_module.serve(self._settings, request["files"], self._warm, self._own)
            finally:
                os._exit(1)
        self._warm_process.add(child)
        # Only the warm process has its pipes now: the engine sees at once when it dies.
        self._warm.close()
        return True

    def _try_anew(self, request: dict[str, Any]) -> dict[str, Any]:
        work = self._rerun.rerunner(self._settings, request)
        end = self._nursery.run(work, request["wall"])
        lines = [json.loads(line) for line in end.output.split(b"\n")[:-1]]
        tests = [line for line in lines if "outcome" in line]
        last = lines[-1] if lines and "done" in lines[-1] else {}
        return {
            "tests": tests,
            "finished": bool(last),
            "errors": last.get("errors", []),
            "detail": last.get("detail", ""),
        }
