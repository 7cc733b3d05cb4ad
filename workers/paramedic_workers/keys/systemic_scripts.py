"""The scripts of systemic failures: patterns opened, filled, settled, closed, forgotten.

How a heal failed is written by CLOSE_GROUP, in one step with its result.
"""

from __future__ import annotations

#: Opens a pattern, or opens it again; one that is open stays as it is.
#:
#: ARGV: id, now, first seen, its JSON (see `Pattern`). Gives 1 or 0.
OPEN_PATTERN = """
local key = 'paramedic:pattern:' .. ARGV[1]
if redis.call('HGET', key, 'state') == 'open' then return 0 end
redis.call('HSET', key, 'state', 'open', 'opened_at', ARGV[2], 'first_seen', ARGV[3],
  'last_seen', ARGV[3], 'body', ARGV[4])
redis.call('HDEL', key, 'closed_at', 'closed_because')
redis.call('HINCRBY', key, 'openings', 1)
redis.call('DEL', key .. ':targets')
redis.call('ZADD', 'paramedic:patterns', ARGV[2], ARGV[1])
redis.call('SADD', 'paramedic:patterns:open', ARGV[1])
return 1
"""

#: Notes that an incident belongs to an open pattern, unless as much is known of it.
#:
#: ARGV: id, fingerprint, time of the result, JSON of the `PatternIncident`, its target, or
#: nothing where it is an exception to the pattern. Gives 1 or 0.
NOTE_PATTERN_INCIDENT = """
local key = 'paramedic:pattern:' .. ARGV[1]
if redis.call('HGET', key, 'state') ~= 'open' then return 0 end
local known = redis.call('HGET', key .. ':times', ARGV[2])
if known and tonumber(known) >= tonumber(ARGV[3]) then return 0 end
redis.call('HSET', key .. ':times', ARGV[2], ARGV[3])
redis.call('HSET', key .. ':incidents', ARGV[2], ARGV[4])
if ARGV[5] ~= '' then
  redis.call('SADD', key .. ':targets', ARGV[5])
  if tonumber(ARGV[3]) > tonumber(redis.call('HGET', key, 'last_seen')) then
    redis.call('HSET', key, 'last_seen', ARGV[3])
  end
end
return 1
"""

#: Takes an incident out of a pattern: it was an exception, and has a pattern of its own now.
#:
#: ARGV: id, fingerprint. Nothing is given.
DROP_PATTERN_INCIDENT = """
local key = 'paramedic:pattern:' .. ARGV[1]
for _, part in ipairs({':times', ':incidents', ':settled'}) do
  redis.call('HDEL', key .. part, ARGV[2])
end
"""

#: Notes how an incident of a pattern was settled after a result.
#:
#: ARGV: id, fingerprint, JSON of the `Settlement`. Gives 1, or 0 where it is no incident of it.
SETTLE_PATTERN_INCIDENT = """
local key = 'paramedic:pattern:' .. ARGV[1]
if redis.call('HEXISTS', key .. ':incidents', ARGV[2]) == 0 then return 0 end
redis.call('HSET', key .. ':settled', ARGV[2], ARGV[3])
return 1
"""

#: Closes an open pattern. ARGV: id, now, why. Gives 1 or 0.
CLOSE_PATTERN = """
local key = 'paramedic:pattern:' .. ARGV[1]
if redis.call('HGET', key, 'state') ~= 'open' then return 0 end
redis.call('SREM', 'paramedic:patterns:open', ARGV[1])
redis.call('HSET', key, 'state', 'closed', 'closed_at', ARGV[2], 'closed_because', ARGV[3])
redis.call('ZADD', 'paramedic:patterns', ARGV[2], ARGV[1])
return 1
"""

#: Forgets patterns that were closed before the cutoff, and failures of before another one.
#:
#: ARGV: cutoff of the patterns, cutoff of the failures, greatest number of failures. Nothing
#: is given.
FORGET_PATTERNS = """
for _, id in ipairs(redis.call('ZRANGEBYSCORE', 'paramedic:patterns', '-inf', ARGV[1])) do
  local key = 'paramedic:pattern:' .. id
  if redis.call('HGET', key, 'state') ~= 'open' then
    redis.call('DEL', key, key .. ':incidents', key .. ':times', key .. ':settled',
      key .. ':targets')
    redis.call('ZREM', 'paramedic:patterns', id)
  end
end
local failures = 'paramedic:failures'
local old = redis.call('ZRANGEBYSCORE', failures .. ':at', '-inf', ARGV[2], 'LIMIT', 0, 1000)
for _, id in ipairs(redis.call('ZRANGE', failures .. ':at', 0, -1 - ARGV[3])) do
  old[#old + 1] = id
end
for _, id in ipairs(old) do
  redis.call('ZREM', failures .. ':at', id)
  redis.call('HDEL', failures, id)
end
"""
