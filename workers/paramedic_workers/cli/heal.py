"""`paramedic heal`: the whole heal of a checkout, in this process, without a broker.

1. find the repository, and the settings of its target where there are some;
2. heal, with progress on stderr;
3. show one section per cause, or one JSON document;
4. with `--apply`, take the proven patches into the working files.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec.structs import replace as replace_fields

from paramedic.text import counted
from paramedic_workers.cli.checkout import Checkout, check_revision, digest, find_checkout
from paramedic_workers.cli.take import Combined, combine, put
from paramedic_workers.errors import (
    WORST_FIRST,
    DeliveryError,
    EnvironmentBuildError,
    UsageError,
    Verdict,
)
from paramedic_workers.results import Confidence, Result
from paramedic_workers.settings import SandboxMode, Settings, TargetSettings

if TYPE_CHECKING:
    from rich.console import Console

    from paramedic_workers.healing.model import HealReport, HealRequest
    from paramedic_workers.sinks.file import FileSink

#: The verdict over all where no test fails.
NOTHING_FAILING = "nothing_failing"


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the command line asks for."""

    tests: tuple[str, ...]
    revision: str | None
    budget: float | None
    python: Path | None
    sandbox: SandboxMode | None
    apply: bool
    as_json: bool


@click.command(
    epilog="""\b
Examples:
  paramedic heal .                                   find and heal what fails here
  paramedic heal . --apply                           … and take the healed patches
  paramedic heal ~/src/shop --test tests/test_cart.py::test_total
  paramedic heal . --rev v1.4 --json > result.json   heal a commit, for scripts

\b
Exit status: 0 every cause is healed, or nothing fails; 1 anything else, a
proposal included; 2 wrong usage or set-up.
"""
)
@click.argument("repo", default=".", type=click.Path(path_type=Path))
@click.option(
    "--test",
    "tests",
    multiple=True,
    metavar="NODEID",
    help="A failing test, as pytest names it; may be given again. Without: all that fail.",
)
@click.option(
    "--rev",
    "revision",
    metavar="REV",
    help="Heal this commit, whatever the working files are. Without: the working files.",
)
@click.option(
    "--budget",
    type=click.FloatRange(min=1),
    metavar="SECONDS",
    help="Time for the whole heal (default 600, or the target's setting).",
)
@click.option("--apply", is_flag=True, help="Take healed patches into the working files.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
@click.option(
    "--python",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Interpreter that has the project's dependencies. Without: the checkout's .venv or "
    "another that is at hand, else an environment is built.",
)
@click.option(
    "--sandbox",
    type=click.Choice([mode.value for mode in SandboxMode]),
    help="Whether target code must run under bubblewrap (default preferred).",
)
@click.pass_context
def command(
    context: click.Context,
    *,
    repo: Path,
    tests: tuple[str, ...],
    revision: str | None,
    budget: float | None,
    apply: bool,
    as_json: bool,
    python: Path | None,
    sandbox: str | None,
) -> None:
    """Find, fix and prove what fails in REPO, any git checkout.

    Uncommitted changes belong to what is healed. The checkout stays as it is,
    unless you say --apply; a target of the settings file that has this repository
    lends its settings.
    """
    options = Options(
        tests=tests,
        revision=revision,
        budget=budget,
        python=python,
        sandbox=SandboxMode(sandbox) if sandbox else None,
        apply=apply,
        as_json=as_json,
    )
    context.exit(heal(repo, options))


def heal(repo: Path, options: Options) -> int:
    """Heal the checkout; gives the exit status.

    Raises:
        UsageError: the checkout, an option or the settings are wrong.
        SandboxError: the sandbox is required and cannot be had.
    """
    from paramedic_workers import settings_file
    from paramedic_workers.cli.logs import quiet_logs

    settings = settings_file.load()
    quiet_logs(settings)
    checkout = find_checkout(repo)
    request = _request(checkout, settings, options)
    _check_data(settings.data_directory())
    before = checkout.digests() if options.apply and options.revision is None else {}
    report = _heal(settings, request)
    combined = _combine(report.results, checkout, options.revision)
    if options.as_json:
        click.echo(as_document(report.results, _whole_patch(report.results, combined)))
    else:
        _show(repo, report, settings, options)
    if options.apply:
        _apply(checkout, report.results, options, before)
    return 0 if overall_verdict(report.results) in (Verdict.HEALED, NOTHING_FAILING) else 1


def overall_verdict(results: Sequence[Result]) -> str:
    """The worst verdict of all causes: healed only if every cause is."""
    verdicts = {result.verdict for result in results}
    return next((v for v in WORST_FIRST if v in verdicts), NOTHING_FAILING)


def overall_confidence(results: Sequence[Result]) -> Confidence | None:
    """The lowest confidence of all patches, None where there is no patch."""
    seen = {result.confidence for result in results if result.patch}
    return next(
        (c for c in (Confidence.LOW, Confidence.MEDIUM, Confidence.HIGH) if c in seen), None
    )


def as_document(results: Sequence[Result], patch: str) -> str:
    """The JSON document that `--json` prints."""
    import msgspec

    document = {
        "verdict": overall_verdict(results),
        "confidence": overall_confidence(results),
        "patch": patch or None,
        "results": results,
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()


def _request(checkout: Checkout, settings: Settings, options: Options) -> HealRequest:
    from paramedic_workers.healing.model import HealRequest, IncidentBrief

    if options.revision is not None:
        check_revision(checkout, options.revision)
    elif checkout.bare:
        options = replace(options, revision="HEAD")
    if options.apply and checkout.bare:
        raise UsageError("a bare repository has no working files to --apply to.")
    if any(not test.strip() for test in options.tests):
        raise UsageError("--test is empty.", remedy="Name a test as pytest does, or leave it out.")
    target = _target(checkout, settings, options)
    _check_sandbox(target)
    incidents = tuple(
        IncidentBrief(fingerprint=_fingerprint(target.name, test), test=test)
        for test in dict.fromkeys(options.tests)
    )
    return HealRequest(
        target=target,
        revision=options.revision,
        incidents=incidents,
        checkout=None if options.revision is not None else checkout.root,
    )


def _target(checkout: Checkout, settings: Settings, options: Options) -> TargetSettings:
    target = checkout.target(settings)
    if options.budget is not None:
        if not math.isfinite(options.budget):
            raise UsageError(f"--budget is {options.budget}.", remedy="Give it in seconds.")
        shorter = min(target.repair_budget, options.budget)
        target = replace_fields(target, budget=options.budget, repair_budget=shorter)
    if options.python is not None:
        _check_interpreter(options.python)
        # Not resolved: the interpreter of a virtual environment is a link, and must stay one.
        target = replace_fields(target, python=str(options.python.absolute()))
    if options.sandbox is not None:
        target = replace_fields(target, sandbox=options.sandbox)
    return target


def _check_interpreter(python: Path) -> None:
    """Say at once that an interpreter will not do.

    Raises:
        UsageError: it does not run, or has no pytest.
    """
    from paramedic_workers.healing.interpreters import configured

    try:
        configured(str(python))
    except EnvironmentBuildError as error:
        raise UsageError(
            f"--python: {error.message}", remedy="Name an interpreter that has pytest."
        ) from error


def _check_data(data: Path) -> None:
    """Say at once that the data directory cannot be used.

    Raises:
        UsageError: it cannot.
    """
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise UsageError(
            f"The data directory {data} cannot be used: {error.strerror}.",
            remedy="Choose another with PARAMEDIC_DATA.",
        ) from error


def _check_sandbox(target: TargetSettings) -> None:
    """Say at once that a sandbox which is required cannot be had.

    Raises:
        SandboxError: it cannot.
    """
    from paramedic_workers.healing.sandbox import Sandbox

    if target.sandbox is SandboxMode.REQUIRED:
        Sandbox.of(target).check()


def _fingerprint(target: str, test: str) -> str:
    """The identity of a test whose failure nobody has seen yet."""
    from paramedic.event import WIRE_VERSION, FailureEvent, new_event_id, now
    from paramedic.fingerprint import fingerprint

    return fingerprint(
        FailureEvent(
            version=WIRE_VERSION,
            id=new_event_id(),
            target=target,
            test=test,
            exception_type="TestFailure",
            occurred_at=now(),
        )
    )


def _heal(settings: Settings, request: HealRequest) -> HealReport:
    from paramedic_workers.cli.progress import watching
    from paramedic_workers.healing.healer import Healer

    with watching(request.target.name) as progress:
        return Healer(data=settings.data_directory(), progress=progress).heal(request)


def _combine(results: Sequence[Result], checkout: Checkout, revision: str | None) -> Combined:
    def read_base(path: str) -> bytes | None:
        return checkout.read(path) if revision is None else checkout.show(revision, path)

    patches = [result.patch for result in results if result.patch]
    combined = combine(patches, read_base)
    for index in combined.left_out:
        click.echo(
            f"paramedic: patch {index + 1} of {len(patches)} does not go in on top of the others: "
            "take it by itself.",
            err=True,
        )
    return combined


def _whole_patch(results: Sequence[Result], combined: Combined) -> str:
    """The combined diff; a single patch exactly as it was proved."""
    patches = [result.patch for result in results if result.patch]
    return patches[0] if len(patches) == 1 else combined.diff


def _show(repo: Path, report: HealReport, settings: Settings, options: Options) -> None:
    from paramedic_workers.cli.screen import output
    from paramedic_workers.cli.show import result_section

    console = output()
    results = report.results
    if not results:
        console.print(nothing_failing(report.seen))
        return
    reports = _keep_reports(results, settings)
    for result in results:
        folder = reports.folder(result.incident) if reports else None
        console.print(result_section(console, result, how_to_take(repo, result, folder, options)))
    _show_summary(console, results)
    if reports:
        console.print(f"Reports: {reports.directory / 'index.html'}", style="soft")


def nothing_failing(seen: str) -> str:
    """What is said where no test fails; with rich's markup.

    Args:
        seen: what pytest counted: `3 passed`.
    """
    if seen in ("", "no tests ran"):
        return "[mild]![/] no test was found here: name the folder that pytest is started in"
    return f"[good]✓[/] nothing fails here: {seen}"


def how_to_take(repo: Path, result: Result, folder: Path | None, options: Options) -> str:
    """How a person takes the patch of a result, a line for each way."""
    if result.verdict is Verdict.HEALED and options.apply:
        return "--apply takes it: see the last lines"
    ways = []
    if result.verdict is Verdict.HEALED and options.revision is None:
        ways.append(f"paramedic heal {shlex.quote(str(repo))} --apply")
    if folder is not None:
        patch = shlex.quote(str(folder / "fix.patch"))
        ways.append(f"git -C {shlex.quote(str(repo))} apply {patch}")
    return "\n".join(ways) or "paramedic heal --json prints it"


def _show_summary(console: Console, results: Sequence[Result]) -> None:
    from rich.text import Text

    from paramedic_workers.cli.show import tone, words

    counts = {verdict: sum(r.verdict is verdict for r in results) for verdict in Verdict}
    parts = [Text(f"{n} {words(v)}", style=tone(v)) for v, n in counts.items() if n]
    causes = counted(len(results), "cause")
    console.print(Text.assemble((f"{causes}: ", "bold"), Text(", ").join(parts)))


def _keep_reports(results: Sequence[Result], settings: Settings) -> FileSink | None:
    """Keep a report page for each result in the data directory; None where that fails."""
    from paramedic_workers.sinks.file import FileSink

    sink = FileSink(settings.data_directory() / "reports")
    try:
        for result in results:
            sink.deliver(result)
    except DeliveryError as error:
        click.echo(f"paramedic: no report pages: {error}", err=True)
        return None
    return sink


def _apply(
    checkout: Checkout, results: Sequence[Result], options: Options, digests: Mapping[str, str]
) -> None:
    """Take the healed patches; proposals are for a person to decide.

    Raises:
        UsageError: a file is no longer what was healed.
    """
    healed = [r for r in results if r.verdict is Verdict.HEALED]
    combined = _combine(healed, checkout, options.revision)
    changed = [
        path
        for path in combined.before
        if options.revision is None
        and digest(combined.before[path]) != digests.get(path, digest(None))
    ]
    if changed:
        raise UsageError(
            f"nothing was applied: {', '.join(changed)} changed while it was healed.",
            remedy="Heal again.",
        )
    for path in put(checkout.root, combined):
        click.echo(f"paramedic: applied to {path}", err=True)
    if skipped := sum(r.verdict is Verdict.PROPOSED for r in results):
        click.echo(
            f"paramedic: {skipped} proposed and not applied: decide yourself, then `git apply`.",
            err=True,
        )
