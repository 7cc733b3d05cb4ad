"""`paramedic backtest`: the bugs of a clone's own history, healed again.

1. find the repository, and the settings of its target where there are some;
2. find bugs and heal them, with progress on stderr;
3. show a table, or one JSON document;
4. with `--learn`, keep what the history says of the templates.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec.structs import replace as replace_fields

from paramedic_workers.cli.checkout import Checkout, find_checkout
from paramedic_workers.errors import UsageError
from paramedic_workers.settings import SandboxMode, Settings, TargetSettings

if TYPE_CHECKING:
    from paramedic_workers.backtest.campaign import Findings, Plan
    from paramedic_workers.backtest.learning import Learned

#: Bugs that are healed where `--limit` says nothing: enough for a first table.
DEFAULT_LIMIT = 20
#: Heals at a time: each of them runs up to two processes of its own.
DEFAULT_JOBS = 2


@click.command(
    epilog="""\b
Examples:
  paramedic backtest .                          the 20 newest bugs of this repository
  paramedic backtest . --limit 100 --since 2020-01-01
  paramedic backtest . --find-only              how many bugs there are, and which
  paramedic backtest . --learn                  … and keep priors for later heals
  paramedic backtest . --json > backtest.json   with every patch and its evidence

\b
An interrupted backtest goes on where it stopped. Exit status: 0 done; 2 wrong usage
or set-up.
"""
)
@click.argument("repo", default=".", type=click.Path(path_type=Path))
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=DEFAULT_LIMIT,
    show_default=True,
    metavar="N",
    help="Bugs at most, the newest first.",
)
@click.option("--since", default="", metavar="DATE", help="Leave out commits before that date.")
@click.option(
    "--budget",
    type=click.FloatRange(min=1),
    metavar="SECONDS",
    help="Time for the search of one bug (default 60, or the target's repair_budget).",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=DEFAULT_JOBS,
    show_default=True,
    metavar="N",
    help="Bugs at a time.",
)
@click.option(
    "--target",
    "target_name",
    metavar="NAME",
    help="Use the settings of that target. Without: those of the target that has REPO.",
)
@click.option("--learn", is_flag=True, help="Keep priors of the templates for later heals.")
@click.option("--find-only", is_flag=True, help="Find the bugs, and heal none.")
@click.option(
    "--half",
    type=click.Choice(["even", "odd"]),
    help="Heal that half of the bugs alone, by the first digit of the commit's id.",
)
@click.option("--again", is_flag=True, help="Heal anew what was healed before.")
@click.option("--fresh", is_flag=True, help="Begin anew: find the bugs again, too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
@click.option(
    "--python",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Interpreter that has the project's dependencies. Without: environments are built.",
)
@click.option(
    "--sandbox",
    type=click.Choice([mode.value for mode in SandboxMode]),
    help="Whether target code must run under bubblewrap (default preferred).",
)
def command(
    *,
    repo: Path,
    limit: int,
    since: str,
    budget: float | None,
    jobs: int,
    target_name: str | None,
    learn: bool,
    find_only: bool,
    half: str | None,
    again: bool,
    fresh: bool,
    as_json: bool,
    python: Path | None,
    sandbox: str | None,
) -> None:
    """Heal the bugs of REPO's own history, and compare with what people did.

    REPO is any local clone with tests. Past commits whose tests fail before and pass
    after a small change of source are healed again, from the commit before with the new
    tests. The clone is only read.
    """
    from paramedic_workers import settings_file
    from paramedic_workers.backtest.campaign import Half, Plan
    from paramedic_workers.cli.logs import quiet_logs

    settings = settings_file.load()
    quiet_logs(settings)
    target = _target(find_checkout(repo), settings, target_name)
    target = _with_options(target, python, SandboxMode(sandbox) if sandbox else None)
    plan = Plan(
        limit=limit,
        budget=budget or target.repair_budget,
        jobs=jobs,
        since=_checked_date(since),
        half=Half(half) if half else None,
        find_only=find_only,
        fresh=fresh,
        again=again,
    )
    run(target, settings, plan, learn=learn, as_json=as_json)


def run(
    target: TargetSettings, settings: Settings, plan: Plan, *, learn: bool, as_json: bool
) -> None:
    """Carry out a backtest and show what it found.

    Raises:
        UsageError: there is nothing to test against, or priors cannot be kept.
    """
    from paramedic_workers.backtest.campaign import backtest
    from paramedic_workers.cli.backtest_show import as_document, show, watching
    from paramedic_workers.cli.logs import quiet_logs

    set_up = partial(quiet_logs, settings, "error")
    with watching(target.name) as tell:
        findings = backtest(target, settings.data_directory(), plan, tell, set_up)
    learned = _learn(target, settings, findings) if learn else None
    if as_json:
        click.echo(as_document(target, findings, learned))
    else:
        show(findings, learned)


def _learn(target: TargetSettings, settings: Settings, findings: Findings) -> Learned:
    from paramedic_workers.backtest.learning import learn
    from paramedic_workers.priors import save_priors

    learned = learn(target, settings.data_directory(), findings)
    file = save_priors(target, learned.priors)
    click.echo(f"paramedic: priors of {target.name} are in {file}", err=True)
    return learned


def _target(checkout: Checkout, settings: Settings, name: str | None) -> TargetSettings:
    if name is None:
        return checkout.target(settings)
    if name not in settings.targets:
        raise UsageError(
            f"there is no target {name!r}.",
            remedy=f"The settings have: {', '.join(sorted(settings.targets)) or 'none'}.",
        )
    return replace_fields(settings.targets[name], repository=str(checkout.root))


def _with_options(
    target: TargetSettings, python: Path | None, sandbox: SandboxMode | None
) -> TargetSettings:
    if python is not None:
        # Not resolved: the interpreter of a virtual environment is a link, and must stay one.
        target = replace_fields(target, python=str(python.absolute()))
    return replace_fields(target, sandbox=sandbox or target.sandbox)


def _checked_date(since: str) -> str:
    """A date as `YYYY-MM-DD`: git takes whatever it does not understand for today.

    Raises:
        UsageError: it is none.
    """
    from datetime import date

    try:
        return date.fromisoformat(since).isoformat() if since else ""
    except ValueError:
        raise UsageError(f"--since {since!r} is no date.", remedy="Write 2020-12-31.") from None
