"""One event a line, and never a password."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from paramedic_workers.telemetry.logs import configure_logs


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def written(form: str) -> io.StringIO:
    stream = io.StringIO()
    configure_logs(form, "info", stream)
    return stream


def test_ours_and_celerys_have_the_same_form() -> None:
    stream = written("json")
    structlog.get_logger("ours").info("a heal begins", incident="ab12", target="shop")
    logging.getLogger("celery.worker").warning("Task %s\nreceived", "heal")
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert first["event"] == "a heal begins"
    assert (first["incident"], first["target"]) == ("ab12", "shop")
    assert second["event"] == "Task heal\nreceived"
    assert (
        set(first) - {"incident", "target"}
        == set(second)
        == {
            "event",
            "level",
            "logger",
            "timestamp",
        }
    )


@pytest.mark.parametrize("form", ["json", "console"])
def test_no_password_is_written(form: str) -> None:
    stream = written(form)
    secret = "redis://me:hunter2@example.com:6379/0"
    log = structlog.get_logger()
    log.info(f"connected to {secret}", url=secret, nested={"urls": [secret]})
    logging.getLogger("celery").error("cannot reach %s", secret)
    try:
        raise ConnectionError(secret)
    except ConnectionError:
        log.exception("lost")
        logging.getLogger("celery").exception("lost")
    text = stream.getvalue()
    assert "hunter2" not in text
    assert text.count("me:***@example.com") >= 6


@pytest.mark.parametrize("form", ["json", "console"])
def test_what_is_below_the_level_is_left_out(form: str) -> None:
    stream = written(form)
    structlog.get_logger().debug("quiet")
    logging.getLogger("kombu").info("quiet")
    structlog.get_logger().info("loud")
    assert "quiet" not in stream.getvalue()
    assert "loud" in stream.getvalue()


def test_a_line_in_a_terminal_stays_one_line() -> None:
    stream = written("console")
    logging.getLogger("celery").warning("a banner\nof several\nlines")
    assert "a banner of several lines" in stream.getvalue()
