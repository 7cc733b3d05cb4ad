"""Edits after which a file parses, tried until the failing tests pass."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice

from paramedic_workers.repair.edits import Candidate
from paramedic_workers.repair.model import SearchProgress
from paramedic_workers.repair.session import WarmProcessLost
from paramedic_workers.repair.syntax.files import BrokenFile
from paramedic_workers.repair.syntax.mends import Mend, mends
from paramedic_workers.repair.validate import Validator

#: Exceptions that say that a file does not parse.
ERRORS = frozenset({"SyntaxError", "IndentationError", "TabError"})
#: Candidates tried for one file, and those that are looked at once one has passed: a fixed
#: number, so that the same input gives the same patch on a slow machine too.
_MOST, _NEIGHBOURS, _NEAR = 60, 12, 0.4
#: How many times the usual time a test may take: nothing is known of these tests.
_PATIENCE = 5.0
#: Share of the time left in which edits are looked for.
_LOOKING_SHARE = 0.4
#: Score of the likeliest edit.
_SCORE = 4.0


@dataclass
class SyntaxSearch:
    """A search in files that do not parse."""

    validator: Validator
    broken: Sequence[BrokenFile]
    #: `time.monotonic()` at which it must end.
    deadline: float
    progress: Callable[[SearchProgress], None]
    plausible: list[Candidate] = field(default_factory=list)
    tried: int = 0

    def run(self) -> None:
        """Search; what was found is in `plausible`."""
        for file in self.broken:
            self._heal(file)
            if self.plausible:
                return

    @property
    def out_of_time(self) -> bool:
        """Whether its time is up."""
        return time.monotonic() >= self.deadline

    def detail(self) -> str:
        """Why nothing was found, in one sentence."""
        if len(self.broken) > 1:
            files = ", ".join(file.text.relative for file in self.broken)
            return f"Several files do not parse ({files}); one edit does not heal them all."
        tried = "no small edit there makes it parse"
        if self.tried:
            edits = "edit" if self.tried == 1 else "edits"
            tried = f"none of {self.tried} {edits} near there lets the tests pass"
        return f"{self.broken[0].place} does not parse, and {tried}."

    def _heal(self, file: BrokenFile) -> None:
        now = time.monotonic()
        looking = now + _LOOKING_SHARE * max(0.0, self.deadline - now)
        after_found = 0
        for mend in islice(mends(file.text.text, deadline=looking), _MOST):
            candidate = _candidate(file, mend)
            if self.plausible:
                after_found += 1
                best = max(found.score for found in self.plausible)
                if after_found > _NEIGHBOURS or candidate.score < _NEAR * best:
                    return
            if self.out_of_time:
                return
            self._try(candidate)

    def _try(self, candidate: Candidate) -> None:
        self.tried += 1
        try:
            if self.validator.heals(candidate, _PATIENCE):
                self.plausible.append(candidate)
        except WarmProcessLost:
            # The candidate has killed the process; it is not the one. What cannot be
            # collected without it need not be warm.
            with suppress(WarmProcessLost):
                self.validator.start_anew()
        self.progress(
            SearchProgress(
                candidates=self.tried,
                plausible=len(self.plausible),
                best=self.plausible[0].title if self.plausible else "",
                seconds_left=max(0.0, self.deadline - time.monotonic()),
            )
        )


def _candidate(file: BrokenFile, mend: Mend) -> Candidate:
    return Candidate(
        source=file.text,
        function=None,
        parts=mend.parts,
        template=mend.kind,
        title=mend.title,
        line=file.text.line_of(mend.parts[0].start),
        score=_SCORE * mend.weight,
        in_broken_file=True,
    )
