"""The script that writes kombu's own keys, whose names are a channel's."""

from __future__ import annotations

#: Notes what was taken off a queue and is not acknowledged yet. The ZREM finds nothing; it
#: marks the script as one that has written. KEYS: index, hash. ARGV: tag, time, message.
NOTE_TAKEN = """
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
"""
