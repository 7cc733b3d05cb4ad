"""The simulation: failure conditions, replayed on real workers, and what was promised of each.

1. `catalogue`: the conditions, one small entry each: what happens, what is promised.
2. `runner`: replays them, side by side or in turns, and compares.
3. `ground`: a private broker with real worker processes in a folder that is thrown away.
4. `workers`: the application of those workers: the ordinary one, with faults in it
   (`faults`, `acts`, `healer`, `sinks`).
5. `observation`, `promises`: what is to be seen from outside, and what should be.

Nothing of it is used by ordinary workers. A new condition is a new entry in the catalogue.
"""
