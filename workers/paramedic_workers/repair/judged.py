"""A plausible candidate with what there is to say about it."""

from __future__ import annotations

from dataclasses import dataclass

from paramedic_workers.repair.edits import Candidate
from paramedic_workers.repair.hygiene import Finding, edited_function
from paramedic_workers.repair.normal_form import normal_form


@dataclass(frozen=True)
class Judged:
    """A plausible candidate with its place in the order."""

    candidate: Candidate
    #: The search's score times the factors of the findings.
    score: float
    #: Those that can be said in words.
    findings: tuple[Finding, ...]
    #: The same for candidates that mean the same.
    meaning: str


def meaning(candidate: Candidate) -> str:
    """The same text for candidates that are the same code written differently."""
    edited = edited_function(candidate)
    if edited is None:
        return f"{candidate.source.relative}\n{candidate.text()}"
    return f"{candidate.source.relative}\n{normal_form(edited)}"
