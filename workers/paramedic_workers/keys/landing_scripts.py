"""The scripts of landings: a fix that is seen on the main branch, checked there, or given up."""

from __future__ import annotations

from paramedic_workers.keys.clock import SERVER_NOW

#: Ends an incident, whose fix has landed and was checked, by a result that tells so.
#:
#: Nothing is written where anything has happened to one of the incidents since the result with
#: the fix. ARGV: target, leading fingerprint, id of the result with the fix, now, id of the new
#: result, its JSON, JSON of the names of the sinks, then each incident, the leading one first.
#: Gives 1 or 0.
CLOSE_LANDED = (
    SERVER_NOW
    + """
local target, lead, former, now, id = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
for i = 8, #ARGV do
  local known = redis.call('HMGET', 'paramedic:incident:' .. ARGV[i], 'state', 'result')
  if known[1] ~= 'closed' or known[2] ~= former then return 0 end
end
-- First what a full Redis allows: it then lets the whole script through.
redis.call('ZREM', 'paramedic:unlanded:' .. target, lead)
redis.call('SET', 'paramedic:result:' .. id, ARGV[6])
redis.call('ZADD', 'paramedic:results', now, id)
for _, sink in ipairs(cjson.decode(ARGV[7])) do
  redis.call('ZADD', 'paramedic:outbox:' .. sink, server_now(), id)
end
for i = 8, #ARGV do
  local key = 'paramedic:incident:' .. ARGV[i]
  redis.call('HSET', key, 'verdict', 'already_fixed', 'result', id, 'closed_at', now)
  redis.call('LPUSH', key .. ':results', id)
end
redis.call('HSET', 'paramedic:landing:' .. lead, 'result', id, 'checked_at', now)
return 1
"""
)

#: Stops looking for the fix of an incident, unless it was closed with a fix once more.
#:
#: ARGV: target, fingerprint, the time of the close that is meant. Gives 1 or 0.
DROP_UNLANDED = """
local unlanded = 'paramedic:unlanded:' .. ARGV[1]
if tonumber(redis.call('ZSCORE', unlanded, ARGV[2]) or -1) ~= tonumber(ARGV[3]) then return 0 end
return redis.call('ZREM', unlanded, ARGV[2])
"""
