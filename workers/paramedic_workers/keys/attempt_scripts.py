"""The scripts of the attempt ledger: begun, ended, withdrawn.

Each begins with a command that frees something, or would: a Redis that is full lets a script
through that has written before, and what is counted here is inside already.
"""

from __future__ import annotations

#: Begins an attempt, unless as many were begun and never ended as may be.
#:
#: ARGV: message id, JSON of the attempt, greatest number of attempts, seconds for which they
#: are remembered, then ids of messages that have ended. Gives the earlier attempts where no
#: further one may be begun, else nothing.
BEGIN_ATTEMPT = """
local key = 'paramedic:attempts:' .. ARGV[1]
for i = 5, #ARGV do redis.call('DEL', 'paramedic:attempts:' .. ARGV[i]) end
local begun = redis.call('LRANGE', key, 0, -1)
if #begun >= tonumber(ARGV[3]) then return begun end
redis.call('LREM', key, 0, ARGV[2])
redis.call('RPUSH', key, ARGV[2])
redis.call('EXPIRE', key, ARGV[4])
return {}
"""

#: Forgets the attempts at messages that have ended. ARGV: their ids.
END_ATTEMPTS = """
for i = 1, #ARGV do redis.call('DEL', 'paramedic:attempts:' .. ARGV[i]) end
"""

#: Takes attempts back that are given up without a fault of their message.
#:
#: ARGV: message id and JSON of the attempt, as often as there are any.
WITHDRAW_ATTEMPTS = """
for i = 1, #ARGV, 2 do redis.call('LREM', 'paramedic:attempts:' .. ARGV[i], 0, ARGV[i + 1]) end
"""
