"""The script that records events."""

from __future__ import annotations

from paramedic_workers.keys.dead_letter_scripts import KEEP_LETTER

#: Records one batch of events, exactly once for each batch id.
#:
#: ARGV: batch id, now, retry_after (ms), BATCH_MEMORY, the JSON of a list of occurrences (see
#: intake.Occurrence), MAX_LINKS, then the letter of each event that is refused (see
#: KEEP_LETTER).
#: Gives {1 if recorded else 0, groups that must be rung, incidents opened, letters discarded}.
RECORD_BATCH = (
    KEEP_LETTER
    + """
local batch, now, retry_after = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call('HDEL', 'paramedic:journal', batch)
redis.call('ZREM', 'paramedic:journal:published', batch)
if redis.call('EXISTS', 'paramedic:batch:' .. batch) == 1 then return {0, {}, 0, 0} end

-- Whether this occurrence makes the incident wait for a heal (again).
local function opens(state, verdict, tried, commit, closed, it)
  if not state then return true end
  if state ~= 'closed' then return false end
  if it.revision ~= '' and it.revision ~= tried and it.revision ~= commit then return true end
  if verdict == 'healed' then return it.last > tonumber(closed) end
  return it.last - tonumber(closed) >= retry_after
end

local groups, rung, opened = {}, {}, 0
for _, it in ipairs(cjson.decode(ARGV[5])) do
  local key = 'paramedic:incident:' .. it.fingerprint
  local old = redis.call('HMGET', key, 'state', 'verdict', 'revision', 'commit', 'closed_at',
                         'first_seen', 'last_seen')
  local first = math.min(it.first, tonumber(old[6] or it.first))
  local last = math.max(it.last, tonumber(old[7] or it.last))
  redis.call('HINCRBY', key, 'count', it.count)
  redis.call('HSET', key, 'first_seen', first, 'last_seen', last)
  redis.call('ZADD', 'paramedic:incidents', last, it.fingerprint)
  for title, url in pairs(it.links) do
    local known = redis.call('HEXISTS', key .. ':links', title) == 1
    if known or redis.call('HLEN', key .. ':links') < tonumber(ARGV[6]) then
      redis.call('HSET', key .. ':links', title, url)
    end
  end
  if opens(old[1], old[2], old[3], old[4], old[5], it) then
    local group = it.target .. '@' .. it.revision
    redis.call('HSET', key, 'fingerprint', it.fingerprint, 'target', it.target,
      'revision', it.revision, 'test', it.test, 'exception_type', it.exception_type,
      'message', it.message, 'frames', it.frames, 'state', 'waiting', 'verdict', '',
      'opened_at', now, 'attempts', 0)
    redis.call('HDEL', key, 'lead', 'commit', 'closed_at', 'letter', 'attempts_log', 'phase',
               'detail', 'candidates', 'not_before', 'held_for', 'retries')
    redis.call('SADD', 'paramedic:waiting:' .. group, it.fingerprint)
    redis.call('ZADD', 'paramedic:waiting', now, group)
    opened = opened + 1
    if not rung[group] then
      rung[group] = true
      groups[#groups + 1] = group
    end
  end
end

local discarded = 0
for i = 7, #ARGV do
  local _, excess = keep_letter(ARGV[i], now)
  discarded = discarded + excess
end
-- Last: where the script breaks, its batch is not recorded, and can be replayed.
redis.call('SET', 'paramedic:batch:' .. batch, '1', 'EX', ARGV[4])
return {1, groups, opened, discarded}
"""
)
