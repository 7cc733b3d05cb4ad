"""Backtests: the bugs of a repository's own history, healed again and compared with people.

1. `history` lists past commits that changed little source and some tests (paths and
   counts only); `trials` makes two commits of each in a private clone: the bug (the
   parent with the new tests) and the fix (the same with people's source).
2. `mining` runs the changed tests on both: what fails before and passes after is a bug.
3. `healing` heals each bug as a team's worker would, but for `revert`; `likeness`
   compares the patch with what people did.
4. `campaign` does this for a whole repository, two at a time (`pool`), with a line in a
   `journal` for each step, so that an interrupted run goes on where it stopped.
5. `summary` counts; `learning` makes priors for the patch engine of it.

The repository that is tested is only ever fetched from.
"""
