"""The scripts of the lease on a group."""

from __future__ import annotations

from paramedic_workers.keys.clock import SERVER_NOW

#: Acquires the lease on a group, within the target's limit of parallel heals.
#:
#: ARGV: group, target, token, lease (ms), limit. Gives `held`, `busy` or `full`.
ACQUIRE_LEASE = (
    SERVER_NOW
    + """
local group, leases, now = ARGV[1], 'paramedic:leases:' .. ARGV[2], server_now()
redis.call('ZREMRANGEBYSCORE', leases, '-inf', now)
if redis.call('EXISTS', 'paramedic:lease:' .. group) == 1 then return 'busy' end
if redis.call('ZCARD', leases) >= tonumber(ARGV[5]) then return 'full' end
redis.call('SET', 'paramedic:lease:' .. group, ARGV[3], 'PX', ARGV[4])
redis.call('ZADD', leases, now + ARGV[4], group)
return 'held'
"""
)

#: Renews a lease that is still held. ARGV: group, target, token, lease (ms). Gives 1 or 0.
RENEW_LEASE = (
    SERVER_NOW
    + """
local key = 'paramedic:lease:' .. ARGV[1]
if redis.call('GET', key) ~= ARGV[3] then return 0 end
redis.call('PEXPIRE', key, ARGV[4])
redis.call('ZADD', 'paramedic:leases:' .. ARGV[2], server_now() + ARGV[4], ARGV[1])
return 1
"""
)

#: Gives a lease back, if it is still held. ARGV: group, target, token. Gives 1 or 0.
RELEASE_LEASE = """
local key = 'paramedic:lease:' .. ARGV[1]
if redis.call('GET', key) ~= ARGV[3] then return 0 end
redis.call('DEL', key)
redis.call('ZREM', 'paramedic:leases:' .. ARGV[2], ARGV[1])
return 1
"""
