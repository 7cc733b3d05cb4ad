"""A worker of every queue that dies of messages: `python -m tests.support.deadly_worker`.

Its process is killed before a message with the word `deadly` in its body is decoded, each time,
and then started again, as a supervisor would. Each try is written to the file `tries`.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from paramedic_workers import consumer, topology
from paramedic_workers.app import make_app, worker_settings
from paramedic_workers.attempts import note_exit
from paramedic_workers.connections import ledger_url, state_client
from paramedic_workers.dead_letters.contract import check_message
from paramedic_workers.dead_letters.foreign import body_bytes
from paramedic_workers.deaths import words_for_exit
from paramedic_workers.leases import this_host

DEADLY = b"deadly"
TRIES = Path("tries")


def _die_of_it(message: Any) -> None:
    if DEADLY in body_bytes(message.body):
        with TRIES.open("a") as tries:
            tries.write(f"{this_host()}\n")
        os.kill(os.getpid(), signal.SIGKILL)
    check_message(message)


def main() -> None:
    """Run it until somebody ends it."""
    settings = worker_settings()
    app = make_app(settings)
    app.loader.import_default_modules()
    consumer.check_message = _die_of_it
    client = state_client(ledger_url(settings))
    queues = ",".join(queue.name for queue in topology.queues(["file"]))
    command = ["worker", "-n", "all@%h", "-Q", queues, "-P", "solo", "-l", "info"]
    while True:
        child = os.fork()
        if child == 0:
            app.worker_main([*command, "--without-mingle", "--without-gossip"])
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        note_exit(client, f"{os.uname().nodename}:{child}", words_for_exit(status))


if __name__ == "__main__":
    main()
