"""The half of the patch engine that runs in the target's own interpreter.

Needs nothing but the standard library and pytest, on Python 3.9 or later, because the
target's environment has nothing else of ours. Three kinds of process:

    zygote      has imported pytest and nothing of the target      (`zygote.py`)
    └─ warm     a pytest session that has collected the tests      (`warm.py`)
       └─ child one batch of candidates, or one candidate          (`children.py`)

The zygote and the warm process each answer the engine's requests on a pair of pipes
(`channel.py`), one JSON document for one JSON document. A change inside a function is
tried in a child of the warm process by giving the live functions new code (`swap.py`).
Any other change needs its module imported anew: it is tried in a child of the zygote
that collects the tests again (`rerun.py`).

Children are expected to hang, eat memory, exit and kill: they run under limits, in a
process group of their own, and without the pipes to the engine.
"""
