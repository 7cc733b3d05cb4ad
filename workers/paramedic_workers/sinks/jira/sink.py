"""The sink `jira`: one ticket for each incident, kept as the incident is.

Read on in `keeping` (how a ticket is brought up to date), `plan` (what must be done to it),
`finding` (why there is exactly one) and `tickets` (what the ledger remembers of it).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import ClassVar

from paramedic_workers.branch_links import branch_link
from paramedic_workers.landing.records import Landings
from paramedic_workers.results import Result
from paramedic_workers.settings import Settings
from paramedic_workers.sinks import SinkContext
from paramedic_workers.sinks.jira.acts import Tools
from paramedic_workers.sinks.jira.client import JiraClient
from paramedic_workers.sinks.jira.dry_run import about, dry_run_transport
from paramedic_workers.sinks.jira.epics import Epics
from paramedic_workers.sinks.jira.finding import Finder
from paramedic_workers.sinks.jira.keeping import Keeper
from paramedic_workers.sinks.jira.linking import Linking
from paramedic_workers.sinks.jira.settings import JiraSettings
from paramedic_workers.sinks.jira.tending import Tending
from paramedic_workers.sinks.jira.texts import Texts
from paramedic_workers.sinks.jira.tickets import Tickets
from paramedic_workers.sinks.jira.views import Views
from paramedic_workers.sinks.jira.workflow import Workflow

#: Seconds that one delivery may take: it ends well before its claim does
#: (`outbox.CLAIM_SECONDS`), so that nobody else begins it meanwhile.
DELIVERY_SECONDS = 150.0
#: Seconds between two looks at the tickets whose incidents have gone on.
TEND_SECONDS = 60.0
#: The space of the tickets of a dry run.
DRY = "dry"


@dataclass(frozen=True, kw_only=True)
class JiraSink:
    """Keeps one ticket for each incident."""

    keeper: Keeper
    tending: Tending
    epics: Epics
    client: JiraClient
    tend_seconds: float = TEND_SECONDS
    name: str = "jira"
    settings_type: ClassVar[type[JiraSettings]] = JiraSettings

    @classmethod
    def open_connected(cls, settings: JiraSettings, context: SinkContext) -> JiraSink:
        """The sink by its settings, beside the ledger.

        Raises:
            SettingsError: the token is missing, or a template is broken.
        """
        transport = dry_run_transport(settings, context.settings) if settings.dry_run else None
        return cls.on(JiraClient.open(settings, transport=transport), settings, context)

    @classmethod
    def on(cls, client: JiraClient, settings: JiraSettings, context: SinkContext) -> JiraSink:
        """The sink that speaks through this client."""
        tickets = Tickets(context.client, space=DRY if settings.dry_run else "")
        finder = Finder(client=client, settings=settings)
        tools = Tools(
            client=client,
            tickets=tickets,
            settings=settings,
            texts=Texts.load(settings),
            finder=finder,
            linking=Linking(client=client, request_seconds=finder.request_seconds()),
            workflow=Workflow(client=client),
        )
        views = Views(
            client=context.client,
            settings=settings,
            tickets=tickets,
            branch_link=partial(_branch_link, context.settings),
            landed=partial(_landed, Landings(context.client)),
        )
        keeper = Keeper(tools=tools, views=views)
        return cls(
            keeper=keeper,
            tending=Tending(keeper=keeper, client=context.client),
            epics=Epics.on(client, settings, context, tickets),
            client=client,
        )

    def deliver(self, result: Result) -> None:
        """Bring the ticket of the result's incident up to date.

        Raises:
            DeliveryError: it could not be done; a repeat goes on where it stopped.
        """
        with self.client.within(DELIVERY_SECONDS), about(result.incident):
            self.keeper.deliver(result)

    def tend(self) -> None:
        """Show repeats, and landed fixes, in the tickets concerned; keep the epics.

        Raises:
            SinkUnavailable: Jira is away.
        """
        with self.client.within(DELIVERY_SECONDS / 2):
            self.tending.tend(about)
        with self.client.within(DELIVERY_SECONDS / 2):
            self.epics.keep(about)


def _branch_link(settings: Settings, target: str, branch: str) -> str:
    known = settings.targets.get(target)
    return branch_link(known, branch) if known else ""


def _landed(landings: Landings, fingerprint: str) -> datetime | None:
    landing = landings.of(fingerprint)
    return landing.checked_at if landing else None
