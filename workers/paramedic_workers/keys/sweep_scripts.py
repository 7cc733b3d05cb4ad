"""The scripts of locks: of the sweep, and of what else only one worker does at a time."""

from __future__ import annotations

#: Takes the lock, unless somebody holds it. KEYS: the lock. ARGV: a token, its seconds. The DEL
#: marks the script as one that has written, so that it is let through by a Redis that is full:
#: sweeping is what makes room there. Gives 1 or 0.
LOCK_SWEEP = """
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1
"""

#: Gives the lock back, if it is still ours. KEYS: the lock. ARGV: its token.
UNLOCK = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
"""
