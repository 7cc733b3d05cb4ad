"""The scripts of a ticket's record: locked, intended, saved.

A record is named by its space and its name (`dry:3f9ac1…`, or the name alone). Whoever
changes it holds its lock, and every script asks for the lock's token: a worker that was
frozen until its lock had expired changes nothing any more.
"""

from __future__ import annotations

from paramedic_workers.keys.clock import SERVER_NOW

#: Takes the lock of a record, and reads it.
#:
#: ARGV: record, token, lock (ms), the token of a holder that is known to be dead, or nothing.
#: Gives {1, the server's time, JSON of the ticket or '', when the making of one was begun, or
#: ''}; or {0, for how long it is still held (ms), the token it is held by}.
LOCK_TICKET = (
    SERVER_NOW
    + """
local record = 'paramedic:ticket:' .. ARGV[1]
local lock = record .. ':lock'
local holder = redis.call('GET', lock)
if holder and holder ~= ARGV[4] then return {0, redis.call('PTTL', lock), holder} end
redis.call('SET', lock, ARGV[2], 'PX', ARGV[3])
local known = redis.call('HMGET', record, 'ticket', 'intent')
return {1, server_now(), known[1] or '', known[2] or ''}
"""
)

#: Gives the lock of a record back, if it is still ours. ARGV: record, token. Gives 1 or 0.
UNLOCK_TICKET = """
local lock = 'paramedic:ticket:' .. ARGV[1] .. ':lock'
if redis.call('GET', lock) ~= ARGV[2] then return 0 end
return redis.call('DEL', lock)
"""

#: Notes that a ticket is about to be made, or (`forget`) that it certainly was not.
#:
#: ARGV: record, token, lock (ms), `begin` or `forget`, memory (ms), space, name. Gives 1, or 0
#: where the lock was lost.
INTEND_TICKET = (
    SERVER_NOW
    + """
local record = 'paramedic:ticket:' .. ARGV[1]
local lock = record .. ':lock'
if redis.call('GET', lock) ~= ARGV[2] then return 0 end
redis.call('PEXPIRE', lock, ARGV[3])
if ARGV[4] == 'begin' then
  redis.call('HSET', record, 'intent', server_now())
  redis.call('ZADD', 'paramedic:tickets:' .. ARGV[6], server_now(), ARGV[7])
  redis.call('PEXPIRE', record, ARGV[5])
else
  redis.call('HDEL', record, 'intent')
  if redis.call('EXISTS', record) == 0 then
    redis.call('ZREM', 'paramedic:tickets:' .. ARGV[6], ARGV[7])
  end
end
return 1
"""
)

#: Writes a record, and renews the lock; an intent has come to its end by that.
#:
#: ARGV: record, token, lock (ms), JSON of the ticket, memory (ms), space, name, key of the
#: ticket. Gives 1, or 0 where the lock was lost.
SAVE_TICKET = (
    SERVER_NOW
    + """
local record, now = 'paramedic:ticket:' .. ARGV[1], server_now()
local lock = record .. ':lock'
if redis.call('GET', lock) ~= ARGV[2] then return 0 end
redis.call('PEXPIRE', lock, ARGV[3])
redis.call('HSET', record, 'ticket', ARGV[4])
redis.call('HDEL', record, 'intent')
redis.call('PEXPIRE', record, ARGV[5])
local all = 'paramedic:tickets:' .. ARGV[6]
redis.call('ZADD', all, now, ARGV[7])
redis.call('ZREMRANGEBYSCORE', all, '-inf', now - ARGV[5])
local named = ARGV[6] == '' and ARGV[8] or (ARGV[6] .. ':' .. ARGV[8])
redis.call('SET', 'paramedic:ticket-key:' .. named, ARGV[7], 'PX', ARGV[5])
return 1
"""
)

#: Forgets a ticket that is gone from Jira. ARGV: record, token, space, name. Gives 1 or 0.
FORGET_TICKET = """
local record = 'paramedic:ticket:' .. ARGV[1]
if redis.call('GET', record .. ':lock') ~= ARGV[2] then return 0 end
redis.call('DEL', record)
redis.call('ZREM', 'paramedic:tickets:' .. ARGV[3], ARGV[4])
return 1
"""
