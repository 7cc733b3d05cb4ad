"""`paramedic status`: the state of the whole at a glance."""

from __future__ import annotations

import click

from paramedic_workers.errors import BrokerError


@click.command(
    epilog="""\b
Examples:
  paramedic status
  paramedic status --json | jq '.problems'
  paramedic status --json | jq '.state.dead_letters.waiting'
"""
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
def command(as_json: bool) -> None:
    """Show at a glance what is reachable, what waits, and what needs a person.

    The exit status is 2 where neither the broker nor the ledger can be reached.
    """
    import msgspec

    from paramedic_workers import settings_file
    from paramedic_workers.app import make_app
    from paramedic_workers.cli.logs import quiet_logs
    from paramedic_workers.cli.screen import output
    from paramedic_workers.cli.status_show import parts
    from paramedic_workers.status.read import read_status

    settings = settings_file.load()
    quiet_logs(settings)
    status = read_status(settings, make_app(settings))
    if not (status.broker.reachable or status.ledger.reachable):
        raise BrokerError(
            status.problems[0], remedy="Is it running, and are its address and password right?"
        )
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(status), indent=2).decode())
        return
    console = output()
    for part in parts(console, status):
        console.print(part)
