"""A worker that dies of messages: `python -m tests.support.deadly_worker POOL SECONDS`.

With a pool of `solo` its process is killed before a message with the word `deadly` in its body
is decoded, and then started again, as a supervisor would; with `prefork` a process of the pool
is killed, by its task; one with the word `hanging` hangs there, and is killed after so many
seconds. Each try is written to the file `tries`.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from paramedic_workers import consumer, topology
from paramedic_workers.app import make_app, worker_settings
from paramedic_workers.attempts import note_exit
from paramedic_workers.connections import ledger_url, state_client
from paramedic_workers.dead_letters.contract import check_message
from paramedic_workers.dead_letters.foreign import body_bytes
from paramedic_workers.deaths import words_for_exit
from paramedic_workers.intake import Intake, Recorded
from paramedic_workers.leases import this_host
from paramedic_workers.runtime import Parts, use_parts

DEADLY = b"deadly"
HANGING = b"hanging"
TRIES = Path("tries")


def _die_if_deadly(content: object) -> None:
    if DEADLY in body_bytes(content):
        with TRIES.open("a") as tries:
            tries.write(f"{this_host()}\n")
        os.kill(os.getpid(), signal.SIGKILL)


def _check_message(message: Any) -> None:
    _die_if_deadly(message.body)
    check_message(message)


class _DeadlyIntake(Intake):
    def record(self, arguments: Sequence[object], message_id: str) -> Recorded:
        """Record a batch, die of it, or hang."""
        _die_if_deadly(arguments)
        if HANGING in body_bytes(arguments):
            time.sleep(3600)
        return super().record(arguments, message_id)


def main() -> None:
    """Run it until somebody ends it."""
    settings = worker_settings()
    app = make_app(settings)
    app.loader.import_default_modules()
    pool = sys.argv[1]
    if pool == "solo":
        vars(consumer)["check_message"] = _check_message
    else:
        app.conf.task_time_limit = float(sys.argv[2])
        use_parts(app, Parts(intake=_DeadlyIntake))
    client = state_client(ledger_url(settings))
    queues = ",".join(queue.name for queue in topology.queues(["file"]))
    command = ["worker", "-c", "2", "-n", "all@%h", "-Q", queues, "-P", pool, "-l", "info"]
    while True:
        child = os.fork()
        if child == 0:
            app.worker_main([*command, "--without-mingle", "--without-gossip"])
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        note_exit(client, f"{os.uname().nodename}:{child}", words_for_exit(status))


if __name__ == "__main__":
    main()
