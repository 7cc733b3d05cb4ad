"""The scripts of a replay: begun, its message published, ended; or all of it in one step.

A replay is counted before anything is published. Until it has ended, whoever runs it again
continues the same replay, under the same number.
"""

from __future__ import annotations

from paramedic_workers.keys.clock import SERVER_NOW

#: What all replays share. ARGV: letter id, greatest number of replays, now, JSON of `Replay`.
_REPLAY = """
local letter, limit, now = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local key = 'paramedic:dead:' .. letter

-- The number of the replay that may be made; or nothing, and why not.
local function begin_replay()
  local known = redis.call('HMGET', key, 'state', 'replays')
  if not known[1] then return nil, 'gone' end
  if known[1] == 'replayed' then return nil, 'already' end
  local replays = cjson.decode(known[2] or '[]')
  if known[1] == 'replaying' then return #replays end
  if #replays >= limit then return nil, 'spent' end
  replays[#replays + 1] = cjson.decode(ARGV[4])
  redis.call('HSET', key, 'state', 'replaying', 'replays', cjson.encode(replays))
  return #replays
end

-- The letter leaves the list, and stays for its history.
local function end_replay()
  redis.call('HSET', key, 'state', 'replayed')
  redis.call('ZREM', 'paramedic:dead', letter)
  redis.call('ZADD', 'paramedic:dead:replayed', now, letter)
  redis.call('HINCRBY', 'paramedic:dead:reasons', redis.call('HGET', key, 'reason'), -1)
end
"""

#: Counts a replay, before its message is published.
#:
#: What failed otherwise than as invalid was not recorded as a batch; the replay takes its
#: place, so that no other copy counts. It failed under the id of the replay before, else under
#: its own. ARGV: as `_REPLAY`, id of the original's batch (empty: it holds none),
#: BATCH_MEMORY. Gives {`begun`, `gone`, `already`, `spent` or `settled` (the batch was
#: recorded after all), number}.
BEGIN_REPLAY = (
    _REPLAY
    + """
local known = redis.call('HMGET', key, 'state', 'replays', 'reason')
local replaced = nil
if ARGV[5] ~= '' and known[3] and known[3] ~= 'invalid' then
  local before = #cjson.decode(known[2] or '[]')
  if known[1] == 'replaying' then before = before - 1 end
  local failed = before > 0 and 'replay-' .. letter .. '-' .. before or ARGV[5]
  replaced = 'paramedic:batch:' .. failed
  local holder = redis.call('GET', replaced)
  if known[1] ~= 'replayed' and holder and holder ~= letter then return {'settled', 0} end
end
local number, why = begin_replay()
if number and replaced then redis.call('SET', replaced, letter, 'EX', ARGV[6]) end
return {why or 'begun', number or 0}
"""
)

#: Ends a replay whose message is published. A letter that died again meanwhile stays dead.
#:
#: ARGV: as `_REPLAY`, number of the replay. Gives 1 where it has ended, by whomever, else 0.
END_REPLAY = (
    _REPLAY
    + """
local known = redis.call('HMGET', key, 'state', 'replays')
if not known[2] or #cjson.decode(known[2]) ~= tonumber(ARGV[5]) then return 0 end
if known[1] == 'replaying' then end_replay() end
return known[1] == 'dead' and 0 or 1
"""
)

#: Puts a result back into the outbox of the sink that had not taken it.
#:
#: ARGV: as `_REPLAY`, sink, result id. Gives {`replayed`, `gone`, `already`, `spent`,
#: `settled` (the sink has taken it since) or `lost` (the result is not kept), number}.
REPLAY_DELIVERY = (
    SERVER_NOW
    + _REPLAY
    + """
local sink, id = ARGV[5], ARGV[6]
local outbox = 'paramedic:outbox:' .. sink
if redis.call('EXISTS', 'paramedic:result:' .. id) == 0 then return {'lost', 0} end
local standing = redis.call('HGET', 'paramedic:deliveries:' .. id, sink)
if standing and cjson.decode(standing).outcome == 'delivered' then return {'settled', 0} end
local number, why = begin_replay()
if not number then return {why, 0} end
if redis.call('ZADD', outbox, 'NX', server_now(), id) == 1 then
  redis.call('HDEL', outbox .. ':attempts', id)
  redis.call('HDEL', outbox .. ':begun', id)
end
end_replay()
return {'replayed', number}
"""
)

#: Opens the incident of a letter again, with those that were merged into it; where it waits
#: or is being healed already, it only learns of the letter.
#:
#: ARGV: as `_REPLAY`, fingerprint. Gives {`replayed`, `gone`, `already`, `spent`, `settled`
#: (it ended otherwise since) or `lost` (it is not kept), number, its group}.
REPLAY_INCIDENT = (
    _REPLAY
    + """
local lead = 'paramedic:incident:' .. ARGV[5]
local known = redis.call('HMGET', lead, 'state', 'verdict', 'target', 'revision', 'result')
if not known[1] then return {'lost', 0, ''} end
if known[1] == 'closed' and known[2] ~= 'failed' then return {'settled', 0, ''} end
local number, why = begin_replay()
if not number then return {why, 0, ''} end

local group = known[3] .. '@' .. (known[4] or '')
local function open_again(fingerprint)
  local incident = 'paramedic:incident:' .. fingerprint
  local now_is = redis.call('HMGET', incident, 'state', 'lead', 'target', 'revision')
  local same = now_is[3] == known[3] and (now_is[4] or '') == (known[4] or '')
  if now_is[1] ~= 'closed' or now_is[2] ~= ARGV[5] or not same then return end
  redis.call('HSET', incident, 'state', 'waiting', 'verdict', '', 'opened_at', now, 'attempts', 0)
  redis.call('HDEL', incident, 'lead', 'commit', 'closed_at', 'attempts_log', 'phase', 'detail',
             'candidates', 'not_before', 'held_for', 'retries')
  redis.call('SADD', 'paramedic:waiting:' .. group, fingerprint)
  redis.call('ZADD', 'paramedic:waiting', now, group)
end
local result = known[5] and redis.call('GET', 'paramedic:result:' .. known[5])
local followers = result and cjson.decode(result).merged
if type(followers) ~= 'table' then followers = {} end
for _, fingerprint in ipairs(followers) do open_again(fingerprint) end
open_again(ARGV[5])
redis.call('HSET', lead, 'letter', letter)
end_replay()
return {'replayed', number, group}
"""
)
