"""Names that others rely on, and what follows from the settings."""

from __future__ import annotations

from paramedic_workers import topology
from paramedic_workers.app import heal_limit, make_app
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
    assert app.conf.task_annotations["paramedic.heal"]["time_limit"] > 4000
