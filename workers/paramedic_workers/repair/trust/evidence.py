"""What there is to say for and against a plausible patch, as plain numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Everything the trust model weighs, and what future ones may want to."""

    # -- other patches ---------------------------------------------------------------
    #: Patches that pass all tests and are not the same code written differently.
    plausible: int = 1
    #: How many of them rank above this one.
    position: int = 0
    #: Score of the most likely other one, relative to this one's.
    rival_share: float = 0.0
    #: Others with a score near this one's, and no less likely.
    rivals_near: int = 0
    rivals_as_likely: int = 0
    #: Varied inputs on which the patches were compared; 0: they could not be.
    inputs_compared: int = 0
    #: Others that it was compared with.
    rivals_compared: int = 0
    #: Others that behave otherwise on at least one input; of those, the no less likely.
    rivals_disagreeing: int = 0
    as_likely_disagreeing: int = 0
    #: Greatest share of the inputs on which another one behaves otherwise.
    disagreement: float = 0.0
    #: Share of all scores that belongs to patches that are known to behave like this one.
    agreeing_mass: float = 1.0

    # -- tests -----------------------------------------------------------------------
    #: Failing tests that the search was about.
    failing_tests: int = 1
    #: Failing and passing tests that run the changed line.
    failing_on_line: int = 0
    passing_on_line: int = 0
    #: The changed line raised the error, or called what did.
    raised_here: bool = False
    #: Every failing test ended in an error that came out of the code, not of the test itself.
    crashes: bool = False
    #: The changed statement raised it itself.
    raises: bool = False
    #: Passing tests that run the edited function, and the share of its lines they run.
    passing_in_function: int = 0
    function_covered: float = 0.0
    #: Lines of the code that failing tests run: places where an edit may do by chance.
    lines_run: int = 0
    #: Variants of what the edit writes that were tried, and those that the tests refused;
    #: the same of the rest of its statement (`pinning`). 0: there are none, or there was no time.
    variants: int = 0
    variants_refused: int = 0
    variants_around: int = 0
    variants_around_refused: int = 0
    #: How suspicious the changed line is, 0 to about 2.
    suspicion: float = 0.0
    #: Characters of the texts and numbers that stand in the failing assertions.
    expected_size: int = 0
    #: Candidates that were tried in the search.
    tried: int = 0

    # -- the edit --------------------------------------------------------------------
    #: Prior of the template that made it.
    prior: float = 0.0
    #: Suspicion x prior x weight x hygiene.
    score: float = 0.0
    #: It is of a family that people make often.
    usual: bool = False
    #: It follows from the error message.
    aimed: bool = False
    #: It is of a family that passes easily, right or wrong.
    easy: bool = False
    #: It has an error go away, and may do no more.
    silences_error: bool = False
    #: It turns a condition around.
    turns_condition: bool = False
    #: It changes a number that is neither index, nor bound, nor compared.
    shifts_number: bool = False
    #: It changes the default of a parameter.
    turns_default: bool = False
    #: It edits what decides whether two objects are equal: assertions then say something else.
    edits_judge: bool = False
    #: It brings in a word that stands in the message of a failing test.
    named_in_message: bool = False
    #: What it writes stands elsewhere in the file as well.
    written_elsewhere: bool = False
    #: It writes a constant that stands in a failing test and nowhere in the file.
    copies_constant: bool = False
    #: It takes code away without putting other code in its place.
    deletes_code: bool = False
    #: Characters taken away and written; places at which it makes the same change.
    size: int = 0
    places: int = 1
    #: It is not inside a function.
    top_level: bool = False
    #: The file does not parse without it.
    in_broken_file: bool = False
    #: Product of the hygiene factors, the length's left out; above 1 speaks for the edit.
    hygiene: float = 1.0
    #: Hygiene findings that speak for it and against it.
    findings_for: int = 0
    findings_against: int = 0

    @property
    def slips(self) -> int:
        """Variants of the edit and of the rest of its statement that were tried."""
        return self.variants + self.variants_around

    @property
    def slips_that_pass(self) -> int:
        """Those of them that the tests did not refuse."""
        return max(0, self.slips - self.variants_refused - self.variants_around_refused)
