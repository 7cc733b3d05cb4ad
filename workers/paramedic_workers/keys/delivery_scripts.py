"""The scripts of a delivery: claimed, settled, returned; and of a sink that rests."""

from __future__ import annotations

from paramedic_workers.keys.clock import SERVER_NOW
from paramedic_workers.keys.dead_letter_scripts import KEEP_LETTER

#: Claims one delivery and counts its attempt, before any work.
#:
#: What an incident is told of stays in order: a result waits behind an earlier one of the same
#: incident that the sink has not taken yet, and is due right after it. Of a sink whose rest is
#: over, one delivery at a time probes whether it takes results again.
#:
#: ARGV: sink, result id, claim (ms), limit of deliveries to this sink at once, host, then each
#: incident of the result.
#: Gives {`claimed`, `gone`, `early`, `full`, `behind` or `resting`, number of this attempt, the
#: begun attempts: a line each with time and host, for `behind` the id of a result that is due}.
CLAIM_DELIVERY = (
    SERVER_NOW
    + """
local sink, id = ARGV[1], ARGV[2]
local outbox, delivering = 'paramedic:outbox:' .. sink, 'paramedic:delivering:' .. sink
local now, limit = server_now(), tonumber(ARGV[4])
local due = redis.call('ZSCORE', outbox, id)
if not due then return {'gone', 0, ''} end
if tonumber(due) > now then return {'early', 0, ''} end
-- First what a full Redis allows: it then lets the whole script through.
redis.call('ZREMRANGEBYSCORE', delivering, '-inf', now)
local rests_until = redis.call('HGET', 'paramedic:resting:' .. sink, 'until')
if rests_until then
  if tonumber(rests_until) > now then return {'resting', 0, ''} end
  limit = 1
end

-- When the earliest result is due that must be delivered first; nothing where there is none.
local after = nil
for i = 6, #ARGV do
  local told, older = 'paramedic:incident:' .. ARGV[i] .. ':results', false
  for _, other in ipairs(redis.call('LRANGE', told, 0, -1)) do
    local waits = older and redis.call('ZSCORE', outbox, other)
    if waits and tonumber(waits) > (after or 0) then after = tonumber(waits) end
    if other == id then older = true end
  end
end
if after then
  redis.call('ZADD', outbox, math.max(after + 1, due), id)
  return {'behind', 0, '', redis.call('ZRANGEBYSCORE', outbox, '-inf', now, 'LIMIT', 0, 1)[1]}
end

if redis.call('ZCARD', delivering) >= limit then return {'full', 0, ''} end
redis.call('ZADD', delivering, now + ARGV[3], id)
redis.call('ZADD', outbox, now + ARGV[3], id)
local begun = redis.call('HGET', outbox .. ':begun', id)
local line = now .. ' ' .. ARGV[5]
begun = begun and (begun .. '\\n' .. line) or line
redis.call('HSET', outbox .. ':begun', id, begun)
return {'claimed', redis.call('HINCRBY', outbox .. ':attempts', id, 1), begun}
"""
)

#: Lets a sink rest until a time, or longer where it rests already, for this reason.
_REST = """
local function rest(sink, now, rests_until, why)
  local resting = 'paramedic:resting:' .. sink
  local known = redis.call('HGET', resting, 'until')
  rests_until = math.max(rests_until, tonumber(known or 0))
  redis.call('HSETNX', resting, 'since', now)
  redis.call('HSET', resting, 'until', rests_until, 'why', why)
  redis.call('PEXPIREAT', resting, rests_until + 86400000)
end
"""

#: Lets a sink rest. ARGV: sink, for how long (ms), why.
REST_SINK = (
    SERVER_NOW
    + _REST
    + """
local now = server_now()
rest(ARGV[1], now, now + ARGV[2], ARGV[3])
"""
)

#: Ends one delivery; one that is given up becomes a dead letter in the same step.
#:
#: What a slow attempt says against a result that another attempt has delivered meanwhile does
#: not count. An attempt that only found that it must wait (`postponed`, `resting`) does not
#: count either: it is as if it had not begun. Whatever else a probe says, it ends the rest of
#: the sink. What waited behind a result that is off the list is due at once.
#:
#: ARGV: sink, result id, `delivered`, `retry`, `given_up`, `postponed` or `resting`, delay of the
#: next attempt (ms), JSON of how the delivery stands, the letter (see KEEP_LETTER) or nothing,
#: greatest number of due results to name, why the sink rests, the line of this attempt among
#: those begun, then each incident of the result. Gives {letters discarded, milliseconds until
#: the next delivery is due or -1, ids of results that are due at this sink}.
SETTLE_DELIVERY = (
    SERVER_NOW
    + KEEP_LETTER
    + _REST
    + """
local sink, id, ending, now = ARGV[1], ARGV[2], ARGV[3], server_now()
local outbox, resting = 'paramedic:outbox:' .. sink, 'paramedic:resting:' .. sink
redis.call('ZREM', 'paramedic:delivering:' .. sink, id)
local standing = redis.call('HGET', 'paramedic:deliveries:' .. id, sink)
local taken = standing and cjson.decode(standing).outcome == 'delivered'
if not taken or ending == 'delivered' then
  redis.call('HSET', 'paramedic:deliveries:' .. id, sink, ARGV[5])
end

local function forget_attempt()
  if redis.call('HINCRBY', outbox .. ':attempts', id, -1) < 1 then
    redis.call('HDEL', outbox .. ':attempts', id)
  end
  local kept = {}
  for line in (redis.call('HGET', outbox .. ':begun', id) or ''):gmatch('[^\\n]+') do
    if line ~= ARGV[9] then kept[#kept + 1] = line end
  end
  if #kept == 0 then redis.call('HDEL', outbox .. ':begun', id)
  else redis.call('HSET', outbox .. ':begun', id, table.concat(kept, '\\n')) end
end

-- The next result of an incident, if it has only waited for this one, is due now.
local function let_follow(incident)
  local told, newer = 'paramedic:incident:' .. incident .. ':results', nil
  for _, other in ipairs(redis.call('LRANGE', told, 0, -1)) do
    if other == id then break end
    if redis.call('ZSCORE', outbox, other) then newer = other end
  end
  if newer and tonumber(redis.call('HGET', outbox .. ':attempts', newer) or 0) == 0 then
    redis.call('ZADD', outbox, 'XX', 'LT', now, newer)
  end
end

if ending == 'postponed' or ending == 'resting' then
  if redis.call('ZSCORE', outbox, id) then forget_attempt() end
end
if ending == 'delivered' or ending == 'given_up' then
  redis.call('ZREM', outbox, id)
  redis.call('HDEL', outbox .. ':attempts', id)
  redis.call('HDEL', outbox .. ':begun', id)
  for i = 10, #ARGV do let_follow(ARGV[i]) end
else
  redis.call('ZADD', outbox, 'XX', now + ARGV[4], id)
end

local limit, rests_until = tonumber(ARGV[7]), tonumber(redis.call('HGET', resting, 'until') or 0)
if ending == 'resting' then
  rest(sink, now, now + ARGV[4], ARGV[8])
  rests_until = tonumber(redis.call('HGET', resting, 'until'))
elseif rests_until <= now then
  if redis.call('DEL', resting) == 0 then limit = 1 end
end
local discarded = 0
local _
if ARGV[6] ~= '' and not taken then _, discarded = keep_letter(ARGV[6], now) end
local first = redis.call('ZRANGE', outbox, 0, 0, 'WITHSCORES')
if not first[1] then return {discarded, -1} end
local pause = math.max(tonumber(first[2]), rests_until) - now
if pause > 0 then return {discarded, pause} end
return {discarded, 0, unpack(redis.call('ZRANGEBYSCORE', outbox, '-inf', now, 'LIMIT', 0, limit))}
"""
)

#: Makes every claimed delivery of a sink due at once: whoever claimed it is gone.
#:
#: ARGV: sink. Gives the number of deliveries.
RETURN_DELIVERIES = (
    SERVER_NOW
    + """
local delivering = 'paramedic:delivering:' .. ARGV[1]
local members = redis.call('ZRANGE', delivering, 0, -1)
for _, id in ipairs(members) do
  redis.call('ZADD', 'paramedic:outbox:' .. ARGV[1], 'XX', server_now(), id)
end
redis.call('DEL', delivering)
return #members
"""
)
