"""Every Redis key and every script of the ledger, in one place.

All keys begin with `paramedic:`. Times are whole milliseconds since the epoch.
A *group* is written `<target>@<revision>`; the revision may be empty.

Incidents:

    incident:<fingerprint>          hash, see `IncidentRecord`
                                    by intake, take, close; dies after the retention
    incident:<fingerprint>:results  list of result ids, newest first
                                    by close; dies with the incident
    incidents                       sorted set: fingerprint by the time last seen
                                    by intake; dies with the incident

What waits and what is being healed:

    waiting                         sorted set: group by the time it was last rung for
                                    by intake, sweep; dies when all of it is taken
    waiting:<group>                 set of fingerprints that wait
                                    by intake, return; dies when all of it is taken
    healing                         sorted set: group by the time it was taken
                                    by take; dies when it is closed or returned
    healing:<group>                 set of fingerprints being healed under one lease
                                    by take; dies when it is closed or returned
    lease:<group>                   token of the worker that heals the group
                                    by the worker; expires unless it is renewed
    leases:<target>                 sorted set: leased group by the end of its lease
                                    by the worker; entries die with their lease
    fixes:<group>                   list of proved patches, newest first
                                    by close; MAX_FIXES, expires after the retention

Results and their deliveries:

    result:<id>                     JSON of a result
                                    by close; dies after the retention, once delivered
    results                         sorted set: result id by the time of the close
                                    by close; dies with the result
    outbox:<sink>                   sorted set: result id by the time its delivery is due
                                    by close, deliver; dies when delivered or set aside
    outbox:<sink>:attempts          hash: result id to the number of deliveries begun
                                    by deliver; dies when delivered or set aside
    delivering:<sink>               sorted set: result id by the end of its claim
                                    by deliver; dies with the delivery
    aside:<sink>                    sorted set: result id by the time it was given up
                                    by deliver; dies after the retention
    deliveries:<id>                 hash: sink to the JSON of a `Delivery`
                                    by deliver; dies with the result

Events on their way:

    journal                         hash: batch id to the JSON of the batch
                                    by publishers, before the message; dies when recorded
    journal:published               sorted set: batch id by the time it was published
                                    by publishers; dies when recorded

The rest:

    batch:<id>                      marks a batch of events as recorded
                                    by intake; expires after BATCH_MEMORY
    rejected                        list of JSON of `RejectedEvent`, newest first
                                    by intake; MAX_REJECTED
    sweep                           token of the running sweep
                                    by sweep; expires

The scripts build key names from their arguments, so a Redis Cluster cannot hold
the ledger; one server with replicas can.
"""

from __future__ import annotations

from paramedic import wire

PREFIX = "paramedic:"

#: Seconds for which a batch id is remembered; longer than any message is redelivered.
BATCH_MEMORY = 7 * 24 * 3600
#: Rejected events that are kept; beyond it the oldest are discarded.
MAX_REJECTED = 10_000
#: Proved patches kept per group.
MAX_FIXES = 20

INCIDENTS = PREFIX + "incidents"
WAITING = PREFIX + "waiting"
HEALING = PREFIX + "healing"
RESULTS = PREFIX + "results"
REJECTED = PREFIX + "rejected"
JOURNAL = wire.JOURNAL
JOURNAL_PUBLISHED = wire.JOURNAL_PUBLISHED
SWEEP = PREFIX + "sweep"


def incident(fingerprint: str) -> str:
    """The hash of one incident."""
    return f"{PREFIX}incident:{fingerprint}"


def incident_results(fingerprint: str) -> str:
    """The list of an incident's result ids."""
    return f"{PREFIX}incident:{fingerprint}:results"


def waiting(group: str) -> str:
    """The incidents of a group that wait."""
    return f"{PREFIX}waiting:{group}"


def healing(group: str) -> str:
    """The incidents of a group that are being healed."""
    return f"{PREFIX}healing:{group}"


def lease(group: str) -> str:
    """The lease on a group."""
    return f"{PREFIX}lease:{group}"


def fixes(group: str) -> str:
    """The patches proved for a group."""
    return f"{PREFIX}fixes:{group}"


def result(result_id: str) -> str:
    """The JSON of one result."""
    return f"{PREFIX}result:{result_id}"


def outbox(sink: str) -> str:
    """The results that a sink has not taken yet."""
    return f"{PREFIX}outbox:{sink}"


def outbox_attempts(sink: str) -> str:
    """How often each of them was tried."""
    return f"{PREFIX}outbox:{sink}:attempts"


def aside(sink: str) -> str:
    """The results whose delivery to a sink was given up."""
    return f"{PREFIX}aside:{sink}"


def deliveries(result_id: str) -> str:
    """How the delivery of a result stands at each sink."""
    return f"{PREFIX}deliveries:{result_id}"


#: The server's clock, for everything that expires: workers' clocks may differ.
_SERVER_NOW = """
local function server_now()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
"""

#: Records one batch of events, exactly once for each batch id.
#:
#: ARGV: batch id, now, retry_after (ms), BATCH_MEMORY, MAX_REJECTED, the JSON of a list of
#: occurrences (see intake.Occurrence), then the JSON of each rejected event.
#: Gives {1 if recorded else 0, groups that must be rung, incidents opened, rejected events
#: kept, rejected events discarded}.
RECORD_BATCH = """
local batch, now, retry_after = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call('HDEL', 'paramedic:journal', batch)
redis.call('ZREM', 'paramedic:journal:published', batch)
if not redis.call('SET', 'paramedic:batch:' .. batch, '1', 'NX', 'EX', ARGV[4]) then
  return {0, {}, 0, 0, 0}
end

-- Whether this occurrence makes the incident wait for a heal (again).
local function opens(state, verdict, tried, commit, closed, it)
  if not state then return true end
  if state ~= 'closed' then return false end
  if it.revision ~= '' and it.revision ~= tried and it.revision ~= commit then return true end
  if verdict == 'healed' then return it.last > tonumber(closed) end
  return it.last - tonumber(closed) >= retry_after
end

local groups, rung, opened = {}, {}, 0
for _, it in ipairs(cjson.decode(ARGV[6])) do
  local key = 'paramedic:incident:' .. it.fingerprint
  local old = redis.call('HMGET', key, 'state', 'verdict', 'revision', 'commit', 'closed_at',
                         'first_seen', 'last_seen')
  local first = math.min(it.first, tonumber(old[6] or it.first))
  local last = math.max(it.last, tonumber(old[7] or it.last))
  redis.call('HINCRBY', key, 'count', it.count)
  redis.call('HSET', key, 'first_seen', first, 'last_seen', last)
  redis.call('ZADD', 'paramedic:incidents', last, it.fingerprint)
  if opens(old[1], old[2], old[3], old[4], old[5], it) then
    local group = it.target .. '@' .. it.revision
    redis.call('HSET', key, 'fingerprint', it.fingerprint, 'target', it.target,
      'revision', it.revision, 'test', it.test, 'exception_type', it.exception_type,
      'message', it.message, 'frames', it.frames, 'state', 'waiting', 'verdict', '',
      'opened_at', now, 'attempts', 0)
    redis.call('HDEL', key, 'lead', 'commit', 'closed_at', 'hosts', 'phase', 'detail',
               'candidates')
    redis.call('SADD', 'paramedic:waiting:' .. group, it.fingerprint)
    redis.call('ZADD', 'paramedic:waiting', now, group)
    opened = opened + 1
    if not rung[group] then
      rung[group] = true
      groups[#groups + 1] = group
    end
  end
end

for i = 7, #ARGV do redis.call('LPUSH', 'paramedic:rejected', ARGV[i]) end
local kept = redis.call('LLEN', 'paramedic:rejected')
local discarded = math.max(0, kept - tonumber(ARGV[5]))
if discarded > 0 then redis.call('LTRIM', 'paramedic:rejected', 0, tonumber(ARGV[5]) - 1) end
return {1, groups, opened, kept - discarded, discarded}
"""

#: Acquires the lease on a group, within the target's limit of parallel heals.
#:
#: ARGV: group, target, token, lease (ms), limit. Gives `held`, `busy` or `full`.
ACQUIRE_LEASE = (
    _SERVER_NOW
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
    _SERVER_NOW
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

#: Takes the waiting incidents of a leased group and counts the attempt, before any work.
#:
#: An incident that has one attempt left is taken alone: where one of the group kills its
#: worker, the others must not go down with it. Incidents without an attempt left are given
#: back apart, only to be closed.
#:
#: ARGV: group, token, now, host, greatest number of attempts.
#: Gives {1 or 0 (lease lost), fingerprints to heal, exhausted fingerprints}.
TAKE_GROUP = """
local group, now, limit = ARGV[1], ARGV[3], tonumber(ARGV[5])
local waiting, healing = 'paramedic:waiting:' .. group, 'paramedic:healing:' .. group
if redis.call('GET', 'paramedic:lease:' .. group) ~= ARGV[2] then return {0, {}, {}} end

local fresh, last_chance, exhausted = {}, {}, {}
local members = redis.call('SMEMBERS', waiting)
table.sort(members)
for _, fingerprint in ipairs(members) do
  local attempts = tonumber(redis.call('HGET', 'paramedic:incident:' .. fingerprint, 'attempts'))
  local list = fresh
  if attempts >= limit then list = exhausted
  elseif attempts > 0 and attempts == limit - 1 then list = last_chance end
  list[#list + 1] = fingerprint
end
if #fresh == 0 then fresh[1] = last_chance[1] end

local function take(fingerprint)
  redis.call('SMOVE', waiting, healing, fingerprint)
  redis.call('HSET', 'paramedic:incident:' .. fingerprint, 'state', 'healing')
end
for _, fingerprint in ipairs(fresh) do
  take(fingerprint)
  local key = 'paramedic:incident:' .. fingerprint
  local hosts = redis.call('HGET', key, 'hosts')
  redis.call('HINCRBY', key, 'attempts', 1)
  redis.call('HSET', key, 'hosts', hosts and (hosts .. ' ' .. ARGV[4]) or ARGV[4])
end
for _, fingerprint in ipairs(exhausted) do take(fingerprint) end

if #fresh + #exhausted > 0 then redis.call('ZADD', 'paramedic:healing', now, group) end
if redis.call('EXISTS', waiting) == 0 then redis.call('ZREM', 'paramedic:waiting', group) end
return {1, fresh, exhausted}
"""

#: Shows how far the heal of a leased group is.
#:
#: ARGV: group, token, phase, detail, candidates. Gives 1 or 0.
NOTE_PROGRESS = """
if redis.call('GET', 'paramedic:lease:' .. ARGV[1]) ~= ARGV[2] then return 0 end
for _, fingerprint in ipairs(redis.call('SMEMBERS', 'paramedic:healing:' .. ARGV[1])) do
  redis.call('HSET', 'paramedic:incident:' .. fingerprint, 'phase', ARGV[3], 'detail', ARGV[4],
             'candidates', ARGV[5])
end
return 1
"""

#: Closes a group: results, incidents, proved patches and outbox entries, all or nothing.
#:
#: A worker that lost its lease changes nothing. ARGV: group, target, token, now, resolved
#: revision, retention (s), MAX_FIXES, the JSON of `Closing` (see closing.py), then the JSON
#: of each result in the same order. Gives 1, or 0 where the lease was lost.
CLOSE_GROUP = (
    _SERVER_NOW
    + """
local group, target, token, now = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local lease = 'paramedic:lease:' .. group
if redis.call('GET', lease) ~= token then return 0 end

local closing, healing = cjson.decode(ARGV[8]), 'paramedic:healing:' .. group
for i, entry in ipairs(closing.results) do
  redis.call('SET', 'paramedic:result:' .. entry.id, ARGV[8 + i])
  redis.call('ZADD', 'paramedic:results', now, entry.id)
  for _, sink in ipairs(closing.sinks) do
    redis.call('ZADD', 'paramedic:outbox:' .. sink, server_now(), entry.id)
  end
  for _, fingerprint in ipairs(entry.incidents) do
    local key = 'paramedic:incident:' .. fingerprint
    redis.call('HSET', key, 'state', 'closed', 'verdict', entry.verdict, 'result', entry.id,
      'lead', entry.incidents[1], 'commit', ARGV[5], 'closed_at', now)
    redis.call('LPUSH', key .. ':results', entry.id)
    redis.call('SREM', healing, fingerprint)
  end
end
for _, fix in ipairs(closing.fixes) do
  redis.call('LPUSH', 'paramedic:fixes:' .. group, fix)
  redis.call('LTRIM', 'paramedic:fixes:' .. group, 0, ARGV[7] - 1)
  redis.call('EXPIRE', 'paramedic:fixes:' .. group, ARGV[6])
end
if redis.call('EXISTS', healing) == 0 then redis.call('ZREM', 'paramedic:healing', group) end
redis.call('DEL', lease)
redis.call('ZREM', 'paramedic:leases:' .. target, group)
return 1
"""
)

#: Lets the incidents of a group whose worker is gone wait again.
#:
#: ARGV: group, target, now, reason (see recovery.LostBy): `expiry` does nothing while a lease
#: is alive; for the others the lease is void; for `stop` the attempt does not count.
#: Gives the number of incidents that wait again.
RETURN_GROUP = """
local group, now, reason = ARGV[1], ARGV[3], ARGV[4]
local lease, healing = 'paramedic:lease:' .. group, 'paramedic:healing:' .. group
if reason == 'expiry' and redis.call('EXISTS', lease) == 1 then return 0 end
redis.call('DEL', lease)
redis.call('ZREM', 'paramedic:leases:' .. ARGV[2], group)
local members = redis.call('SMEMBERS', healing)
for _, fingerprint in ipairs(members) do
  local key = 'paramedic:incident:' .. fingerprint
  redis.call('SMOVE', healing, 'paramedic:waiting:' .. group, fingerprint)
  redis.call('HSET', key, 'state', 'waiting')
  if reason == 'stop' and tonumber(redis.call('HGET', key, 'attempts')) > 0 then
    redis.call('HINCRBY', key, 'attempts', -1)
  end
end
redis.call('ZREM', 'paramedic:healing', group)
if #members > 0 then redis.call('ZADD', 'paramedic:waiting', now, group) end
return #members
"""

#: Claims one delivery and counts its attempt, before any work.
#:
#: ARGV: sink, result id, claim (ms), limit of deliveries to this sink at once.
#: Gives {`claimed`, `gone`, `early` or `full`, number of this attempt}.
CLAIM_DELIVERY = (
    _SERVER_NOW
    + """
local outbox, delivering = 'paramedic:outbox:' .. ARGV[1], 'paramedic:delivering:' .. ARGV[1]
local now = server_now()
local due = redis.call('ZSCORE', outbox, ARGV[2])
if not due then return {'gone', 0} end
if tonumber(due) > now then return {'early', 0} end
redis.call('ZREMRANGEBYSCORE', delivering, '-inf', now)
if redis.call('ZCARD', delivering) >= tonumber(ARGV[4]) then return {'full', 0} end
redis.call('ZADD', delivering, now + ARGV[3], ARGV[2])
redis.call('ZADD', outbox, now + ARGV[3], ARGV[2])
return {'claimed', redis.call('HINCRBY', outbox .. ':attempts', ARGV[2], 1)}
"""
)

#: Ends one delivery.
#:
#: ARGV: sink, result id, `delivered`, `retry` or `aside`, delay of a retry (ms), JSON of how
#: the delivery stands. Gives the id of a result that is due at this sink, or nothing.
SETTLE_DELIVERY = (
    _SERVER_NOW
    + """
local sink, id, now = ARGV[1], ARGV[2], server_now()
local outbox = 'paramedic:outbox:' .. sink
redis.call('ZREM', 'paramedic:delivering:' .. sink, id)
redis.call('HSET', 'paramedic:deliveries:' .. id, sink, ARGV[5])
if ARGV[3] == 'retry' then
  redis.call('ZADD', outbox, 'XX', now + ARGV[4], id)
else
  redis.call('ZREM', outbox, id)
  redis.call('HDEL', outbox .. ':attempts', id)
  if ARGV[3] == 'aside' then redis.call('ZADD', 'paramedic:aside:' .. sink, now, id) end
end
return redis.call('ZRANGEBYSCORE', outbox, '-inf', now, 'LIMIT', 0, 1)[1]
"""
)

#: Makes every claimed delivery of a sink due at once: whoever claimed it is gone.
#:
#: ARGV: sink. Gives the number of deliveries.
RETURN_DELIVERIES = (
    _SERVER_NOW
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

#: Forgets a closed incident that was last seen before the cutoff.
#:
#: ARGV: fingerprint, cutoff. Gives 1 or 0.
FORGET_INCIDENT = """
local key = 'paramedic:incident:' .. ARGV[1]
local seen = redis.call('HMGET', key, 'state', 'last_seen')
if seen[1] and (seen[1] ~= 'closed' or tonumber(seen[2]) >= tonumber(ARGV[2])) then return 0 end
redis.call('DEL', key, key .. ':results')
redis.call('ZREM', 'paramedic:incidents', ARGV[1])
return 1
"""
