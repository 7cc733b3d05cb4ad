"""Heals one bug of the past as a worker would heal it today, and compares with people's fix.

Everything is as in any heal: reproduction, the whole suite as the baseline, the search,
the proof, the verdict. Two things are not: only the strategy `patch` is tried, since
`revert` would look at the history; and learned priors are left out, since they come from
the same history.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from dataclasses import replace as replace_fields
from pathlib import Path

from msgspec.structs import replace

from paramedic_workers.backtest.grounds import Grounds
from paramedic_workers.backtest.likeness import Version, compare_with_fix
from paramedic_workers.backtest.model import Bug, Compared, Likeness, Outcome, PatchRecord
from paramedic_workers.backtest.trials import changed_paths, texts_at
from paramedic_workers.errors import WORST_FIRST, RepositoryError, Verdict
from paramedic_workers.healing.environment import TargetEnvironment
from paramedic_workers.healing.healer import Healer
from paramedic_workers.healing.launching import ClosableLauncher
from paramedic_workers.healing.model import Case, HealRequest, IncidentBrief, Strategy
from paramedic_workers.healing.strategies.patch import PatchStrategy
from paramedic_workers.healing.tools import real_tools
from paramedic_workers.repair import Project, RankedPatch, RepairReport
from paramedic_workers.results import Confidence, Result

#: Seconds that comparing the patches of one bug with people's fix may take.
COMPARING_SECONDS = 45.0
#: Patches of one search that are compared, the best ones.
_MOST_COMPARED = 8


@dataclass
class Witness(PatchStrategy):
    """The strategy `patch`, which also keeps what the engine has told."""

    reports: list[RepairReport] = field(default_factory=list)

    def search(self, case: Case, priors: Mapping[str, float]) -> RepairReport:
        del priors  # learned from the fix that is looked for
        report = super().search(case, {})
        self.reports.append(report)
        return report


@dataclass(frozen=True)
class _Found:
    """A patch of the engine, with the files it changes; None where it does not apply."""

    ranked: RankedPatch
    version: Version | None


def heal_bug(grounds: Grounds, bug: Bug, budget: float) -> Outcome:
    """Heal one bug.

    Args:
        grounds: where it is run.
        bug: what fails, and people's fix.
        budget: seconds that the search may take.

    Raises:
        EnvironmentBuildError: its environment cannot be had any more.
        SandboxError: the sandbox is required and cannot be set up.
    """
    began = time.monotonic()
    environment = grounds.environment_at(bug.environment_of)
    witness = Witness()
    results = _results(grounds, bug, budget, environment, witness)
    seconds = time.monotonic() - began
    verdict = _overall(results)
    combined = _combined(grounds, bug, results)
    ranked = [patch for report in witness.reports for patch in report.patches]
    found = [_Found(patch, _version(grounds, bug, patch.diff)) for patch in ranked]
    compared = _compare(grounds, bug, environment, [combined, *(f.version for f in found)])
    patch = "".join(result.patch or "" for result in results)
    promised = verdict in (Verdict.HEALED, Verdict.PROPOSED)
    return Outcome(
        commit=bug.commit,
        budget=budget,
        verdict=verdict,
        confidence=_lowest(results) if promised else None,
        patch=patch,
        digest=_digest(patch) if patch else "",
        compared=compared[0] if promised else None,
        summary=results[0].summary if results else "",
        attempts=tuple(f"{a.outcome}: {a.detail}" for r in results for a in r.attempts),
        candidates=sum(report.candidates for report in witness.reports),
        seconds=round(seconds, 2),
        search_seconds=round(sum(report.seconds for report in witness.reports), 2),
        patches=tuple(
            _record(one.ranked, beside, results)
            for one, beside in zip(found, compared[1:], strict=True)
        ),
    )


# -- healing ----------------------------------------------------------------------------


def _results(
    grounds: Grounds,
    bug: Bug,
    budget: float,
    environment: TargetEnvironment,
    witness: Strategy,
) -> tuple[Result, ...]:
    target = replace(
        grounds.target,
        # There is no newer state in which people have fixed it.
        main=bug.bug,
        remote="",
        strategies=(witness.name,),
        repair_budget=budget,
        budget=max(grounds.target.budget, 3 * budget),
    )
    tools = replace_fields(
        real_tools(),
        strategy=lambda _name: witness,
        environment=lambda _request, _root, _data, _deadline: environment,
    )
    incidents = tuple(IncidentBrief(fingerprint="", test=test) for test in bug.failing)
    request = HealRequest(target=target, revision=bug.bug, incidents=incidents)
    return Healer(data=grounds.data, tools=tools).heal(request).results


def _overall(results: Sequence[Result]) -> Verdict:
    verdicts = {result.verdict for result in results}
    return next((verdict for verdict in WORST_FIRST if verdict in verdicts), Verdict.FAILED)


def _lowest(results: Sequence[Result]) -> Confidence | None:
    seen = {result.confidence for result in results if result.patch}
    order = (Confidence.LOW, Confidence.MEDIUM, Confidence.HIGH)
    return next((confidence for confidence in order if confidence in seen), None)


# -- comparing --------------------------------------------------------------------------


def _combined(grounds: Grounds, bug: Bug, results: Sequence[Result]) -> Version | None:
    """The changed files with the patches of all causes; None where there is no patch."""
    commit = bug.bug
    for result in results:
        if result.patch:
            try:
                commit = grounds.workspace.commit(result.patch, "Patch\n", onto=commit)
            except RepositoryError:
                continue
    return None if commit == bug.bug else _texts(grounds, bug, commit)


def _version(grounds: Grounds, bug: Bug, diff: str) -> Version | None:
    try:
        return _texts(grounds, bug, grounds.workspace.commit(diff, "Patch\n", onto=bug.bug))
    except RepositoryError:
        return None


def _texts(grounds: Grounds, bug: Bug, commit: str) -> Version:
    return texts_at(grounds.git, commit, changed_paths(grounds.git, bug.bug, commit))


def _compare(
    grounds: Grounds,
    bug: Bug,
    environment: TargetEnvironment,
    versions: Sequence[Version | None],
) -> list[Compared]:
    """Each version beside people's fix; what is not there, or too far down, is unknown."""
    fix = _texts(grounds, bug, bug.fix)
    chosen = [n for n, version in enumerate(versions) if version is not None]
    chosen = chosen[: _MOST_COMPARED + 1]
    unknown = [Compared(likeness=Likeness.UNKNOWN) for _ in versions]
    if not chosen:
        return unknown
    there = [version for n in chosen if (version := versions[n]) is not None]
    paths = {path for version in (fix, *there) for path in version}
    before = texts_at(grounds.git, bug.bug, paths)
    root = grounds.workspace.checkout(bug.bug)
    launcher = ClosableLauncher(grounds.sandbox, environment.readable)
    try:
        compared = compare_with_fix(
            _project(grounds, environment, root, launcher),
            (*bug.failing, *bug.passing),
            {**before, **fix},
            [{**before, **version} for version in there],
            COMPARING_SECONDS,
        )
    finally:
        launcher.close()
        grounds.workspace.discard(root)
    for place, n in enumerate(chosen):
        unknown[n] = compared[place]
    return unknown


def _project(
    grounds: Grounds, environment: TargetEnvironment, root: Path, launcher: ClosableLauncher
) -> Project:
    target = grounds.target
    environment.complete(root)
    return Project(
        root=root.resolve(),
        directory=(root / target.directory).resolve(),
        python=environment.python,
        launcher=launcher,
        import_paths=environment.import_paths(root.resolve()),
        pytest_args=target.pytest_args,
        environment=dict(target.environment),
    )


# -- recording --------------------------------------------------------------------------


def _record(patch: RankedPatch, compared: Compared, results: Sequence[Result]) -> PatchRecord:
    alternatives = {other.patch for result in results for other in result.alternatives}
    chosen = any(result.patch == patch.diff for result in results)
    return PatchRecord(
        digest=_digest(patch.diff),
        diff=patch.diff,
        template=patch.template,
        title=patch.title,
        score=patch.score,
        trust=patch.trust.value,
        reasons=patch.reasons,
        evidence={name: float(value) for name, value in asdict(patch.evidence).items()},
        proved=chosen or patch.diff in alternatives,
        chosen=chosen,
        compared=compared,
    )


def _digest(diff: str) -> str:
    return hashlib.sha256(diff.encode()).hexdigest()
