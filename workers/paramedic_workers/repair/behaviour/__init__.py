"""Whether versions of some code behave the same on inputs like those of the tests.

    comparison = compare(project, ["tests/test_cart.py"], [ours, theirs], budget=20.0)
    comparison.agree(0, 1)      # True, False, or None: nothing could be compared

The calls that tests make to the functions that differ are recorded and varied; each
version is run on each input, in the target's interpreter (`inside/behaviour/`).
"""

from paramedic_workers.repair.behaviour.compare import compare
from paramedic_workers.repair.behaviour.comparison import Comparison

__all__ = ["Comparison", "compare"]
