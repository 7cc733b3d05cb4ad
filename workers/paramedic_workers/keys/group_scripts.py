"""The scripts of a group on its way: taken, shown, closed, returned, forgotten."""

from __future__ import annotations

from paramedic_workers.keys.clock import SERVER_NOW
from paramedic_workers.keys.dead_letter_scripts import KEEP_LETTER

#: The log of an incident's attempts: JSON of `Attempt`s, the last one open while it runs.
ATTEMPTS_LOG = """
local function write_log(key, log) redis.call('HSET', key, 'attempts_log', cjson.encode(log)) end

local function begin_attempt(key, at, host)
  local text = redis.call('HGET', key, 'attempts_log')
  local log = text and cjson.decode(text) or {}
  log[#log + 1] = {at = at, host = host}
  write_log(key, log)
end

local function end_attempt(key, how, lost_by)
  local text = redis.call('HGET', key, 'attempts_log')
  local log = text and cjson.decode(text) or {}
  if #log == 0 or log[#log]['end'] then return end
  log[#log]['end'], log[#log].lost_by = how, lost_by
  log[#log].phase = redis.call('HGET', key, 'phase') or ''
  write_log(key, log)
end
"""

#: Takes the waiting incidents of a leased group and counts the attempt, before any work.
#:
#: An incident that has one attempt left is taken alone: where one of the group kills its
#: worker, the others must not go down with it. Incidents without an attempt left are given
#: back apart, only to be closed.
#:
#: ARGV: group, token, now, host, greatest number of attempts, now as ISO 8601.
#: Gives {1 or 0 (lease lost), fingerprints to heal, exhausted fingerprints}.
TAKE_GROUP = (
    ATTEMPTS_LOG
    + """
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
  redis.call('HINCRBY', key, 'attempts', 1)
  redis.call('HDEL', key, 'phase', 'detail', 'candidates')
  begin_attempt(key, ARGV[6], ARGV[4])
end
for _, fingerprint in ipairs(exhausted) do take(fingerprint) end

if #fresh + #exhausted > 0 then redis.call('ZADD', 'paramedic:healing', now, group) end
if redis.call('EXISTS', waiting) == 0 then redis.call('ZREM', 'paramedic:waiting', group) end
return {1, fresh, exhausted}
"""
)

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

#: Closes a group: results, incidents, proved patches, outbox entries, dead letters and how
#: the healer failed, all or nothing.
#:
#: A worker that lost its lease changes nothing. ARGV: group, target, token, now, resolved
#: revision, retention (s), MAX_FIXES, the JSON of `Closing` (see closing.py), then the JSON
#: of each result in the same order, then each dead letter (see KEEP_LETTER). Gives 1, or 0
#: where the lease was lost.
CLOSE_GROUP = (
    SERVER_NOW
    + ATTEMPTS_LOG
    + KEEP_LETTER
    + """
local group, target, token, now = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local lease = 'paramedic:lease:' .. group
if redis.call('GET', lease) ~= token then return 0 end
-- First what a full Redis allows: it then lets the whole script through. What was begun
-- while there was room must be written.
redis.call('ZREM', 'paramedic:leases:' .. target, group)

local closing, healing = cjson.decode(ARGV[8]), 'paramedic:healing:' .. group
for i, entry in ipairs(closing.results) do
  redis.call('SET', 'paramedic:result:' .. entry.id, ARGV[8 + i])
  redis.call('ZADD', 'paramedic:results', now, entry.id)
  if entry.failures ~= '' then
    redis.call('HSET', 'paramedic:failures', entry.id, entry.failures)
    redis.call('ZADD', 'paramedic:failures:at', now, entry.id)
  end
  for _, sink in ipairs(closing.sinks) do
    redis.call('ZADD', 'paramedic:outbox:' .. sink, server_now(), entry.id)
  end
  local awaited = {healed = 1, proposed = 1, unhealed = 1, environment = 1}
  if awaited[entry.verdict] then
    redis.call('ZADD', 'paramedic:unlanded:' .. target, now, entry.incidents[1])
  end
  for _, fingerprint in ipairs(entry.incidents) do
    local key = 'paramedic:incident:' .. fingerprint
    redis.call('HSET', key, 'state', 'closed', 'verdict', entry.verdict, 'result', entry.id,
      'lead', entry.incidents[1], 'commit', ARGV[5], 'closed_at', now)
    end_attempt(key, entry.ending, nil)
    redis.call('LPUSH', key .. ':results', entry.id)
    redis.call('SREM', healing, fingerprint)
  end
end
for i = 9 + #closing.results, #ARGV do keep_letter(ARGV[i], now) end
for _, fix in ipairs(closing.fixes) do
  redis.call('LPUSH', 'paramedic:fixes:' .. group, fix)
  redis.call('LTRIM', 'paramedic:fixes:' .. group, 0, ARGV[7] - 1)
  redis.call('EXPIRE', 'paramedic:fixes:' .. group, ARGV[6])
end
if redis.call('EXISTS', healing) == 0 then redis.call('ZREM', 'paramedic:healing', group) end
redis.call('DEL', lease)
return 1
"""
)

#: Lets the incidents of a group whose worker is gone wait again, and notes how it went.
#:
#: ARGV: group, target, now, by what (see `LostBy`): `expiry` does nothing while a lease is
#: alive, for the others the lease is void; for `stop` the attempt does not count; how the
#: attempts ended, for a person; the token of the lease they ran under: with any other one
#: nothing is done; empty: whatever the token. Gives the number of incidents that wait again.
RETURN_GROUP = (
    ATTEMPTS_LOG
    + """
local group, now, lost_by, how, token = ARGV[1], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local lease, healing = 'paramedic:lease:' .. group, 'paramedic:healing:' .. group
local held = redis.call('GET', lease)
if lost_by == 'expiry' and held then return 0 end
if token ~= '' and held ~= token then return 0 end
redis.call('DEL', lease)
redis.call('ZREM', 'paramedic:leases:' .. ARGV[2], group)
local members = redis.call('SMEMBERS', healing)
for _, fingerprint in ipairs(members) do
  local key = 'paramedic:incident:' .. fingerprint
  redis.call('SMOVE', healing, 'paramedic:waiting:' .. group, fingerprint)
  redis.call('HSET', key, 'state', 'waiting')
  end_attempt(key, how, lost_by)
  if lost_by == 'stop' and tonumber(redis.call('HGET', key, 'attempts')) > 0 then
    redis.call('HINCRBY', key, 'attempts', -1)
  end
end
redis.call('ZREM', 'paramedic:healing', group)
if #members > 0 then redis.call('ZADD', 'paramedic:waiting', now, group) end
return #members
"""
)

#: Forgets a closed incident that was last seen, and closed, before the cutoff.
#:
#: ARGV: fingerprint, cutoff. Gives 1 or 0.
FORGET_INCIDENT = """
local key = 'paramedic:incident:' .. ARGV[1]
local seen = redis.call('HMGET', key, 'state', 'last_seen', 'closed_at')
local last = math.max(tonumber(seen[2] or 0), tonumber(seen[3] or 0))
if seen[1] and (seen[1] ~= 'closed' or last >= tonumber(ARGV[2])) then return 0 end
redis.call('DEL', key, key .. ':results', key .. ':links')
redis.call('ZREM', 'paramedic:incidents', ARGV[1])
return 1
"""
