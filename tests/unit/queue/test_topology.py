"""Names that others rely on, and what follows from the settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from paramedic_workers import topology
from paramedic_workers.app import heal_limit, make_app
from paramedic_workers.dead_letters.contract import check_message
from paramedic_workers.errors import InvalidMessage
from paramedic_workers.settings import Settings, TargetSettings
from tests.support.queueing import make_settings


def test_each_configured_sink_has_a_queue_of_its_own() -> None:
    settings = Settings(sinks={"jira": {}, "file": {}, "console": {"enabled": False}})
    sinks = topology.sink_names(settings)
    assert sinks == ("file", "jira", "exchange")
    names = [queue.name for queue in topology.queues(sinks)]
    assert names == [
        "paramedic.intake",
        "paramedic.heal",
        "paramedic.results.file",
        "paramedic.results.jira",
    ]


def test_the_application_reads_json_only_and_acknowledges_late() -> None:
    conf = make_app(make_settings(broker_url="redis://localhost:1/0")).conf
    assert conf.accept_content == ["json"]
    assert conf.task_acks_late
    assert conf.worker_prefetch_multiplier == 1
    assert conf.task_ignore_result
    assert not conf.task_create_missing_queues


def test_celery_never_kills_a_heal_within_its_budget() -> None:
    targets = {
        "small": TargetSettings(repository="/a", budget=60),
        "large": TargetSettings(repository="/b", budget=4000),
    }
    assert heal_limit(Settings(targets=targets)) > 4000
    app = make_app(make_settings(broker_url="redis://localhost:1/0", targets=targets))
    for task in ("paramedic.heal", "paramedic.landing"):
        assert app.conf.task_annotations[task]["time_limit"] > 4000


@pytest.mark.parametrize("name", [topology.INTAKE_TASK, *topology.DOORBELLS])
def test_every_message_of_ours_has_a_task_a_route_and_a_contract(name: str) -> None:
    app = make_app(make_settings(broker_url="redis://localhost:1/0"))
    app.loader.import_default_modules()
    assert name in app.tasks
    assert name in topology.routes()
    message = Called(headers={"task": name, "id": "1", "expires": "later"}, payload=[[7], {}, {}])
    with pytest.raises(InvalidMessage, match=r"arguments are wrong|batch"):
        check_message(message)


@pytest.mark.parametrize("name", topology.DOORBELLS)
def test_only_bells_that_are_rung_again_anyway_may_come_too_late(name: str) -> None:
    arguments = {topology.HEAL_TASK: ["shop", None], topology.DELIVER_TASK: ["file", "1"]}
    usual = [] if name == topology.SWEEP_TASK else ["shop"]
    call = [arguments.get(name, usual), {}, {}]
    message = Called(headers={"task": name, "id": "1", "expires": "later"}, payload=call)
    check_message(message)
    assert ("expires" in message.headers) == (name in topology.PASSING_BELLS)


@dataclass
class Called:
    """A message, as far as its contract is concerned."""

    headers: dict[str, Any]
    payload: list[Any]
