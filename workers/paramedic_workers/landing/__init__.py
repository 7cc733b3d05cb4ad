"""Has a fix landed on its target's main branch, and does the test pass there?

1. The sweep rings, every `landing_seconds`, for each target with incidents whose fix is not known
   to have landed (`looking.LandingLooks.due`).
2. A worker that heals fetches the target. Where its main branch has moved, it looks whether the
   fix of each incident is there (`finding`), or may be, where a person has mended it (`mending`).
3. What is or may be there is checked by running: the failing tests are run at the tip of main.
   Where they pass, the incident is told once more, as `already_fixed` (`looking`, `telling`).

Nothing of this counts as a heal or as an occurrence. `records.Landings` says what is known.
"""
