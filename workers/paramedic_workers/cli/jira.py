"""`paramedic jira`: compares the settings with a Jira, and heals old tickets again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, TypeVar

import click

from paramedic_workers.cli.ledger import ledger_errors
from paramedic_workers.errors import DeliveryError, ParamedicError, UsageError

if TYPE_CHECKING:
    import redis

    from paramedic_workers.settings import Settings
    from paramedic_workers.sinks.jira.client import JiraClient
    from paramedic_workers.sinks.jira.settings import JiraSettings

T = TypeVar("T")

#: Tickets that an import reads unless --limit says otherwise.
LIMIT = 100
#: The exit status where something is missing.
EXIT_MISSING = 1


@click.group(
    epilog="""\b
Examples:
  paramedic jira check                         what is missing, in words; changes nothing
  paramedic jira import --jql 'project = MD AND created >= -7d' --dry-run
  paramedic jira import --jql 'labels = auto-heal' --target shop
"""
)
def command() -> None:
    """Compare the settings with Jira, or publish what old tickets tell of again.

    Both need [sinks.jira] in the settings, and the token; docs/jira.md shows how to set it up.
    """


@command.command(
    short_help="Say what is missing, in words.",
    epilog="""\b
Exit status: 0 all is well; 1 something is missing; 2 Jira cannot be asked.
""",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
@click.pass_context
def check(context: click.Context, as_json: bool) -> None:
    """Compare the settings with the Jira they name; changes nothing there.

    Looks at the account, its permissions, the projects, their types, fields and statuses,
    the templates, and at what waits for Jira. With dry_run, too, it asks the real Jira.
    """
    import msgspec

    from paramedic_workers.cli.jira_show import show_report
    from paramedic_workers.cli.screen import output
    from paramedic_workers.sinks.jira.check import JiraCheck

    with _opened() as (settings, jira, client):
        ledger = _ledger(settings)
        made = JiraCheck(client=client, jira=jira, settings=settings, ledger=ledger)
        report = made.report()
    if as_json:
        document = {**msgspec.to_builtins(report), "missing": report.missing}
        click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
    else:
        show_report(output(), report)
    context.exit(EXIT_MISSING if report.missing else 0)


@command.command(
    "import",
    short_help="Publish what tickets tell of again.",
    epilog="""\b
Examples:
  paramedic jira import --jql 'key in (MD-3049, MD-3050)' --target shop --dry-run
  paramedic jira import --jql 'labels = auto-heal' --json | jq '.[].incidents'
""",
)
@click.option("--jql", required=True, metavar="QUERY", help="Which tickets, in Jira's words.")
@click.option(
    "--target",
    default="",
    metavar="NAME",
    help="The codebase of what names none: neither its event nor its labels or project.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1, max=10_000),
    default=LIMIT,
    show_default=True,
    metavar="N",
    help="Read at most so many tickets.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be published; publish nothing.")
@click.option("--again", is_flag=True, help="Also what was imported before, as if it happened now.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
def import_(
    *, jql: str, target: str, limit: int, dry_run: bool, again: bool, as_json: bool
) -> None:
    """Read tickets, and publish the failures they tell of as events.

    Events, results, JUnit files and logs are found among the attachments, else in the
    description. Jira is only read. What is imported twice counts once.
    """
    from paramedic.transport import KombuTransport
    from paramedic_workers.cli.jira_show import show_imported
    from paramedic_workers.cli.screen import output
    from paramedic_workers.connections import broker_url, connect
    from paramedic_workers.sinks.jira.importing import TicketImport, as_document

    with _opened() as (settings, jira, client):
        _check_target(target, settings)
        # What a dry run would publish can be said without a broker.
        transport = KombuTransport(None if dry_run else broker_url(settings))
        made = TicketImport(
            jira=client,
            settings=settings,
            jira_settings=jira,
            client=_ledger(settings) if dry_run else connect(settings),
            transport=transport,
            target=target,
            dry_run=dry_run,
            again=again,
        )
        with closing(transport):
            told = list(_counted(made.run(jql, limit)))
    if as_json:
        click.echo(as_document(told))
    else:
        show_imported(output(), told)


def _counted(tickets: Iterable[T]) -> Iterator[T]:
    """The tickets themselves; on a terminal, how many were read so far is shown meanwhile."""
    from paramedic_workers.cli.screen import notes

    with notes().status("reading tickets …") as status:
        for number, ticket in enumerate(tickets, start=1):
            status.update(f"reading tickets … {number}")
            yield ticket


def _check_target(name: str, settings: Settings) -> None:
    if name and name not in settings.targets:
        raise UsageError(
            f"--target {name!r} is not in the settings.",
            remedy=f"Targets are: {', '.join(sorted(settings.targets)) or 'none'}.",
        )


@contextmanager
def _opened() -> Iterator[tuple[Settings, JiraSettings, JiraClient]]:
    """The settings, and a client of the Jira they name.

    Raises:
        SettingsError: something in `[sinks.jira]` is missing or wrong.
        UsageError: there is no such table, or Jira refuses.
        BrokerError: the ledger answers no more.
    """
    from paramedic_workers import settings_file
    from paramedic_workers.cli.logs import quiet_logs
    from paramedic_workers.sinks.jira.client import JiraClient
    from paramedic_workers.sinks.jira.settings import JiraSettings
    from paramedic_workers.sinks.tables import read_table, settings_error

    settings = settings_file.load()
    quiet_logs(settings, "critical")  # what goes wrong is said in one line
    if "jira" not in settings.sinks:
        raise UsageError(
            "The settings have no [sinks.jira].", remedy="docs/jira.md shows what it needs."
        )
    if settings.sinks["jira"].get("dry_run") and not settings.sinks["jira"].get("url"):
        raise UsageError(
            "[sinks.jira] is in a dry run, and names no Jira.",
            remedy="Set url and project, and give the token.",
        )
    # A dry run sends nothing; these commands only read.
    table = {**settings.sinks["jira"], "dry_run": False, "enabled": True}
    made, problems = read_table("jira", table, JiraSettings, settings)
    if problems or not isinstance(made, JiraSettings):
        raise settings_error(problems)
    client = JiraClient.open(made)
    try:
        with ledger_errors():
            yield settings, made, client
    except DeliveryError as error:
        raise UsageError(error.message, remedy=error.remedy) from error
    finally:
        client.close()


def _ledger(settings: Settings) -> redis.Redis | None:
    """A client of the ledger; None where it does not answer."""
    from paramedic_workers.connections import connect

    try:
        return connect(settings)
    except ParamedicError:
        return None
