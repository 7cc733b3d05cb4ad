"""The scripts of a delivery: claimed, settled, returned."""

from __future__ import annotations

from paramedic_workers.keys.clock import SERVER_NOW
from paramedic_workers.keys.dead_letter_scripts import KEEP_LETTER

#: Claims one delivery and counts its attempt, before any work.
#:
#: ARGV: sink, result id, claim (ms), limit of deliveries to this sink at once, host.
#: Gives {`claimed`, `gone`, `early` or `full`, number of this attempt, the begun attempts: a
#: line each with time and host}.
CLAIM_DELIVERY = (
    SERVER_NOW
    + """
local outbox, delivering = 'paramedic:outbox:' .. ARGV[1], 'paramedic:delivering:' .. ARGV[1]
local now = server_now()
local due = redis.call('ZSCORE', outbox, ARGV[2])
if not due then return {'gone', 0, ''} end
if tonumber(due) > now then return {'early', 0, ''} end
redis.call('ZREMRANGEBYSCORE', delivering, '-inf', now)
if redis.call('ZCARD', delivering) >= tonumber(ARGV[4]) then return {'full', 0, ''} end
redis.call('ZADD', delivering, now + ARGV[3], ARGV[2])
redis.call('ZADD', outbox, now + ARGV[3], ARGV[2])
local begun = redis.call('HGET', outbox .. ':begun', ARGV[2])
local line = now .. ' ' .. ARGV[5]
begun = begun and (begun .. '\\n' .. line) or line
redis.call('HSET', outbox .. ':begun', ARGV[2], begun)
return {'claimed', redis.call('HINCRBY', outbox .. ':attempts', ARGV[2], 1), begun}
"""
)

#: Ends one delivery; one that is given up becomes a dead letter in the same step.
#:
#: What a slow attempt says against a result that another attempt has delivered meanwhile does
#: not count.
#:
#: ARGV: sink, result id, `delivered`, `retry` or `given_up`, delay of a retry (ms), JSON of how
#: the delivery stands, the letter (see KEEP_LETTER) or nothing. Gives {letters discarded, the
#: id of a result that is due at this sink, if there is one}.
SETTLE_DELIVERY = (
    SERVER_NOW
    + KEEP_LETTER
    + """
local sink, id, now = ARGV[1], ARGV[2], server_now()
local outbox = 'paramedic:outbox:' .. sink
redis.call('ZREM', 'paramedic:delivering:' .. sink, id)
local standing = redis.call('HGET', 'paramedic:deliveries:' .. id, sink)
local taken = standing and cjson.decode(standing).outcome == 'delivered'
if not taken or ARGV[3] == 'delivered' then
  redis.call('HSET', 'paramedic:deliveries:' .. id, sink, ARGV[5])
end
if ARGV[3] == 'retry' then
  redis.call('ZADD', outbox, 'XX', now + ARGV[4], id)
else
  redis.call('ZREM', outbox, id)
  redis.call('HDEL', outbox .. ':attempts', id)
  redis.call('HDEL', outbox .. ':begun', id)
end
local discarded = 0
local _
if ARGV[6] ~= '' and not taken then _, discarded = keep_letter(ARGV[6], now) end
return {discarded, redis.call('ZRANGEBYSCORE', outbox, '-inf', now, 'LIMIT', 0, 1)[1]}
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
