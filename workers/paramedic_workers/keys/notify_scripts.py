"""The scripts of the sink `notify`."""

from __future__ import annotations

#: Keeps the note of a result until its channel tells of it.
#:
#: What is beyond the bound is counted, and no more.
#:
#: ARGV: channel, result id, JSON of the note, incident, what makes a later result the same,
#: seconds for which that counts, seconds that the note is kept, the greatest number of notes,
#: now (ms). Gives 1, or 0 where the result is known already.
KEEP_NOTE = """
local waiting, told = 'paramedic:notify:waiting:' .. ARGV[1], 'paramedic:notify:told:' .. ARGV[1]
if redis.call('ZSCORE', told, ARGV[2]) or redis.call('HEXISTS', waiting, ARGV[2]) == 1 then
  return 0
end
if redis.call('HLEN', waiting) < tonumber(ARGV[8]) then
  redis.call('HSET', waiting, ARGV[2], ARGV[3])
else
  redis.call('INCR', 'paramedic:notify:unlisted:' .. ARGV[1])
  redis.call('EXPIRE', 'paramedic:notify:unlisted:' .. ARGV[1], ARGV[7])
  redis.call('ZADD', told, ARGV[9], ARGV[2])
  redis.call('EXPIRE', told, ARGV[7])
end
redis.call('EXPIRE', waiting, ARGV[7])
if tonumber(ARGV[6]) > 0 then
  redis.call('SET', 'paramedic:notify:last:' .. ARGV[1] .. ':' .. ARGV[4], ARGV[5], 'EX', ARGV[6])
end
return 1
"""
