"""The scripts that keep trouble small: holds, deferrals, breakers, limits, the fuse."""

from __future__ import annotations

from paramedic_workers.keys.group_scripts import ATTEMPTS_LOG

#: Lets a group wait until a time, visibly, with the reason in words.
#:
#: Shared by the scripts below. A hold that is a day old was forgotten by its group.
_HOLD = """
local function hold(group, now, look_at, until_, why)
  for _, old in ipairs(redis.call('ZRANGEBYSCORE', 'paramedic:held', '-inf', now - 86400000)) do
    redis.call('ZREM', 'paramedic:held', old)
    redis.call('HDEL', 'paramedic:held:why', old)
  end
  redis.call('ZADD', 'paramedic:held', look_at, group)
  redis.call('HSET', 'paramedic:held:why', group, cjson.encode({until_, why}))
  for _, fingerprint in ipairs(redis.call('SMEMBERS', 'paramedic:waiting:' .. group)) do
    redis.call('HSET', 'paramedic:incident:' .. fingerprint, 'not_before', until_, 'held_for', why)
  end
end
"""

#: Holds a waiting group.
#:
#: ARGV: group, now, when it is looked at again, until, why. Nothing is given.
HOLD_GROUP = _HOLD + "hold(ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5])"

#: Ends the hold of a group. ARGV: group. Nothing is given.
END_HOLD = """
redis.call('ZREM', 'paramedic:held', ARGV[1])
redis.call('HDEL', 'paramedic:held:why', ARGV[1])
for _, fingerprint in ipairs(redis.call('SMEMBERS', 'paramedic:waiting:' .. ARGV[1])) do
  redis.call('HDEL', 'paramedic:incident:' .. fingerprint, 'not_before', 'held_for')
end
"""

#: Lets incidents of a leased group wait again, because what ended their heal passes.
#:
#: The attempt does not count as one that lost its worker; it counts as a retry.
#: ARGV: group, token, now, when it is looked at again, until, why, then the fingerprints.
#: Gives the number of incidents that wait again.
DEFER_INCIDENTS = (
    ATTEMPTS_LOG
    + _HOLD
    + """
local group, healing = ARGV[1], 'paramedic:healing:' .. ARGV[1]
if redis.call('GET', 'paramedic:lease:' .. group) ~= ARGV[2] then return 0 end
local deferred = 0
for i = 7, #ARGV do
  local key = 'paramedic:incident:' .. ARGV[i]
  if redis.call('SMOVE', healing, 'paramedic:waiting:' .. group, ARGV[i]) == 1 then
    deferred = deferred + 1
    redis.call('HSET', key, 'state', 'waiting')
    end_attempt(key, ARGV[6], nil)
    redis.call('HINCRBY', key, 'retries', 1)
    if tonumber(redis.call('HGET', key, 'attempts') or 0) > 0 then
      redis.call('HINCRBY', key, 'attempts', -1)
    end
  end
end
if redis.call('EXISTS', healing) == 0 then redis.call('ZREM', 'paramedic:healing', group) end
if deferred > 0 then
  redis.call('ZADD', 'paramedic:waiting', ARGV[3], group)
  hold(group, tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6])
end
return deferred
"""
)

#: Closes incidents of a leased group that a blown fuse has already told of.
#:
#: ARGV: group, token, now, verdict, then fingerprint and id of the earlier result by turns.
#: Gives the number of incidents closed.
CLOSE_FUSED = (
    ATTEMPTS_LOG
    + """
local group, healing = ARGV[1], 'paramedic:healing:' .. ARGV[1]
if redis.call('GET', 'paramedic:lease:' .. group) ~= ARGV[2] then return 0 end
local closed = 0
for i = 5, #ARGV, 2 do
  redis.call('SREM', healing, ARGV[i])
  redis.call('HSET', 'paramedic:incident:' .. ARGV[i], 'state', 'closed', 'verdict', ARGV[4],
    'result', ARGV[i + 1], 'lead', ARGV[i], 'closed_at', ARGV[3])
  end_attempt('paramedic:incident:' .. ARGV[i], 'not healed: a person must look', nil)
  closed = closed + 1
end
if redis.call('EXISTS', healing) == 0 then redis.call('ZREM', 'paramedic:healing', group) end
return closed
"""
)

#: Asks a breaker whether what it guards may be used.
#:
#: An open one lets nobody through for a while, then exactly one, the probe; where nothing is
#: heard of that one within its time, another one. A time that lies in the future was written
#: by a clock that was wrong, and does not count.
#: ARGV: name, now, how long it stays open (ms), time of a probe (ms), token of who asks.
#: Gives {`closed`, `open` or `probe`, until when it is open}.
ASK_BREAKER = """
local key, now, open_for, probe_for =
  'paramedic:breaker:' .. ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local known = redis.call('HMGET', key, 'opened_at', 'probe', 'probe_until')
if not known[1] then return {'closed', 0} end
local open_until = tonumber(known[1]) + open_for
if now < open_until and now >= tonumber(known[1]) then return {'open', open_until} end
local probe_until = tonumber(known[3] or 0)
if known[2] and known[2] ~= ARGV[5] and now < probe_until and probe_until - now <= probe_for then
  return {'open', probe_until}
end
redis.call('HSET', key, 'probe', ARGV[5], 'probe_until', now + probe_for)
return {'probe', 0}
"""

#: Gives a probe back that was not made. ARGV: name, token. Nothing is given.
DROP_PROBE = """
local key = 'paramedic:breaker:' .. ARGV[1]
if redis.call('HGET', key, 'probe') == ARGV[2] then
  redis.call('HDEL', key, 'probe', 'probe_until')
end
"""

#: Notes how something went that a breaker guards.
#:
#: A success closes the breaker and forgets its failures. The probe's failure, and as many
#: failures as are allowed with no longer than the window between two of them, open it.
#: ARGV: name, `failed` or `well`, now, failures allowed, window (ms), why, token.
#: Gives `opened` or `closed` where that has changed, else nothing.
NOTE_BREAKER = """
local name, now = ARGV[1], tonumber(ARGV[3])
local key = 'paramedic:breaker:' .. name
local known = redis.call('HMGET', key, 'opened_at', 'probe', 'last', 'failures')
if ARGV[2] == 'well' then
  -- Begun before it was opened: that says nothing of the present.
  if known[1] and known[2] ~= ARGV[7] then return false end
  redis.call('DEL', key)
  redis.call('SREM', 'paramedic:breakers', name)
  return known[1] and 'closed' or false
end
local since = now - tonumber(known[3] or now)
local failures = (since >= 0 and since <= tonumber(ARGV[5])) and tonumber(known[4] or 0) or 0
redis.call('SADD', 'paramedic:breakers', name)
redis.call('HSET', key, 'failures', failures + 1, 'last', now, 'why', ARGV[6])
local probe_failed = known[1] and known[2] == ARGV[7]
if (not known[1] and failures + 1 >= tonumber(ARGV[4])) or probe_failed then
  redis.call('HSET', key, 'opened_at', now)
  redis.call('HDEL', key, 'probe', 'probe_until')
  redis.call('PEXPIRE', key, 604800000)
  return 'opened'
end
-- One that never opened forgets; one that did is remembered for a week without a heal.
if not known[1] then redis.call('PEXPIRE', key, ARGV[5]) end
return false
"""

#: Counts something against its limits per hour and day, unless one of them is reached.
#:
#: What is named twice counts once. ARGV: kind, target, name, now, per hour, per day (0: no
#: limit), `take` or `look`. Gives 0, or when there will be room again (ms since the epoch).
TAKE_RATE = """
local key, now = 'paramedic:rate:' .. ARGV[1] .. ':' .. ARGV[2], tonumber(ARGV[4])
redis.call('ZREMRANGEBYSCORE', key, '-inf', now - 86400000)
redis.call('ZREMRANGEBYSCORE', key, now + 60000, '+inf')
if redis.call('ZSCORE', key, ARGV[3]) then return 0 end
local room_at = 0
local function check(limit, window)
  if limit == 0 or redis.call('ZCOUNT', key, now - window + 1, '+inf') < limit then return end
  -- There is room when the oldest of the last `limit` has left the window.
  local oldest = redis.call('ZRANGE', key, -limit, -limit, 'WITHSCORES')
  room_at = math.max(room_at, tonumber(oldest[2]) + window)
end
check(tonumber(ARGV[5]), 3600000)
check(tonumber(ARGV[6]), 86400000)
if room_at == 0 and ARGV[7] == 'take' then
  redis.call('ZADD', key, now, ARGV[3])
  redis.call('PEXPIRE', key, 86400000)
end
return room_at
"""
