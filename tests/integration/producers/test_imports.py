"""What the producer costs those who only import it."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from importlib.metadata import version

import paramedic


def output_of(code: str) -> str:
    """What this code prints in a fresh interpreter."""
    command = [sys.executable, "-c", textwrap.dedent(code)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_importing_costs_less_than_sixty_milliseconds_of_cpu() -> None:
    code = """
        import time
        start = time.process_time()
        import paramedic
        print(time.process_time() - start)
    """
    assert min(float(output_of(code)) for _ in range(3)) < 0.060


def test_neither_celery_nor_kombu_nor_redis_is_imported_before_the_first_publish() -> None:
    code = """
        import sys, tempfile
        from pathlib import Path
        import paramedic
        publisher = paramedic.init("shop", spool=Path(tempfile.mkdtemp()))
        from paramedic import *
        from paramedic import location, testing, wire
        from paramedic.integrations import excepthook, junit, logging, pytest_plugin
        import paramedic.integrations.celery
        excepthook.install()
        paramedic.capture_exception()
        print(sorted({"celery", "kombu", "redis", "amqp"} & set(sys.modules)))
    """
    assert output_of(code) == "[]"


def test_celery_is_not_imported_by_publishing_either() -> None:
    code = """
        import sys, tempfile
        from pathlib import Path
        from paramedic import Publisher
        spool = Path(tempfile.mkdtemp())
        publisher = Publisher("shop", broker_url="redis://127.0.0.1:1", spool=spool)
        publisher.capture_exception(ValueError())
        publisher.flush(30)
        publisher.close()
        print(sorted({"celery", "kombu"} & set(sys.modules)))
    """
    assert output_of(code) == "['kombu']"


def test_the_version_is_that_of_the_distribution() -> None:
    assert paramedic.__version__ == version("paramedic")
