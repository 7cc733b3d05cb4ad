"""Priors learned from a repository's own history: which templates are fixes made of here?

Each stretch of lines that a fix changed is looked up among the candidates that the
templates propose there; what the healer got right by another edit counts too. Templates
seen more often than their prior says get a factor above 1, others below:

    factor = (seen + 3) / (expected + 3), between 0.5 and 2

The 3 stand for what was believed before (Laplace): one fix is no rule.
"""

from __future__ import annotations

import ast
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from itertools import islice
from pathlib import Path

import msgspec

from paramedic_workers.backtest.campaign import Findings
from paramedic_workers.backtest.grounds import clone_of
from paramedic_workers.backtest.likeness import code_of
from paramedic_workers.backtest.model import Bug, Likeness, Outcome
from paramedic_workers.backtest.trials import texts_at
from paramedic_workers.healing.git import Git
from paramedic_workers.priors import GREATEST, LEAST
from paramedic_workers.repair.candidates import CandidateQueue
from paramedic_workers.repair.knowledge import Knowledge
from paramedic_workers.repair.localise import Suspicion
from paramedic_workers.repair.templates import TEMPLATES
from paramedic_workers.settings import TargetSettings

#: Fixes that are believed to have been seen of each template before any was.
_BELIEVED = 3.0
#: Candidates at one stretch of lines that are looked through, the likeliest ones.
_MOST_CANDIDATES = 5_000


class Learned(msgspec.Struct, frozen=True, kw_only=True):
    """What a history says of the templates."""

    #: A factor for each template.
    priors: dict[str, float]
    #: Template -> stretches of people's fixes and patches of ours that it made.
    seen: dict[str, int]
    #: Stretches of lines that people's fixes changed, and those that a template can make.
    stretches: int
    matched: int


def learn(target: TargetSettings, data: Path, findings: Findings) -> Learned:
    """Learn from the fixes of all bugs found, and from the patches that were right.

    Raises:
        RepositoryError: the private clone cannot be read.
    """
    git = clone_of(target, data).git
    seen: Counter[str] = Counter()
    stretches = matched = 0
    healed = {outcome.commit: outcome for outcome in findings.outcomes}
    for bug in findings.bugs:
        templates = list(_templates_of_fix(git, bug))
        stretches += len(templates)
        known = [name for name in templates if name]
        matched += len(known)
        seen.update(known or _template_of_patch(healed.get(bug.commit)))
    return Learned(priors=factors(seen), seen=dict(seen), stretches=stretches, matched=matched)


def factors(seen: Mapping[str, int]) -> dict[str, float]:
    """A factor for each template, by how often it was seen."""
    total, weight = sum(seen.values()), sum(template.prior for template in TEMPLATES)
    found = {}
    for template in TEMPLATES:
        expected = total * template.prior / weight
        factor = (seen.get(template.name, 0) + _BELIEVED) / (expected + _BELIEVED)
        found[template.name] = min(GREATEST, max(LEAST, factor))
    return found


def _template_of_patch(outcome: Outcome | None) -> tuple[str, ...]:
    right = (Likeness.SAME, Likeness.EQUIVALENT)
    patches = outcome.patches if outcome else ()
    return tuple(p.template for p in patches if p.chosen and p.compared.likeness in right)[:1]


def _templates_of_fix(git: Git, bug: Bug) -> Iterator[str]:
    """For each stretch that the fix changed the template that makes it, empty where none does."""
    before = texts_at(git, bug.bug, bug.change.sources)
    after = texts_at(git, bug.fix, bug.change.sources)
    with tempfile.TemporaryDirectory(prefix="paramedic-learn-") as name:
        folder = Path(name).resolve()
        for path, text in before.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
            for lines, changed in _stretches(text, after.get(path, text)):
                yield _template_making(folder, path, lines, changed)


def _stretches(before: str, after: str) -> Iterator[tuple[range, str]]:
    """Each stretch of changed lines, counted from 1, with the text in which it alone changed."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    for kind, start, end, first, last in SequenceMatcher(None, old, new, False).get_opcodes():
        changed = "".join([*old[:start], *new[first:last], *old[end:]])
        if kind != "equal" and _is_other_code(before, changed):
            # Lines are inserted between two others, either of which a template may start from.
            yield range(max(1, start), max(start + 1, end) + 1), changed


def _is_other_code(before: str, changed: str) -> bool:
    try:
        return code_of(before) != code_of(changed)
    except (SyntaxError, ValueError):
        return False


def _template_making(folder: Path, path: str, lines: range, changed: str) -> str:
    places = {str(folder / path): dict.fromkeys(lines, 1.0)}
    queue = CandidateQueue(Suspicion(lines=places), Knowledge(), folder)
    wanted = _bare(changed)
    for candidate in islice(queue, _MOST_CANDIDATES):
        text = candidate.text()
        if _bare(text) == wanted and _parses(text):
            return candidate.template
    return ""


def _bare(text: str) -> str:
    """A text without what a person may write otherwise: white space, kinds of quotes."""
    return "".join(text.split()).replace('"', "'")


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):
        return False
    return True
