"""The scripts of dead letters: kept, dropped, and discarded at their bounds."""

from __future__ import annotations

#: Functions for scripts that keep letters together with what caused them.
#:
#: `keep_letter(text, now)` keeps one letter; `text` is what `store.encode_letter` gives: the
#: JSON of a `DeadLetter` without its original, a line break, the JSON of the original. It
#: gives 1, and how many letters were discarded because of the bound by count; or 0, 0 where
#: the letter is dead already, or an older failure than the one known. A letter whose replay
#: failed is dead again: it keeps its original and its history.
#:
#: `forget_letter(id)` forgets one letter; it gives 1, or 0 where there was none.
KEEP_LETTER = """
local function forget_letter(id)
  local key = 'paramedic:dead:' .. id
  if redis.call('ZREM', 'paramedic:dead', id) == 1 then
    redis.call('HINCRBY', 'paramedic:dead:reasons', redis.call('HGET', key, 'reason'), -1)
  end
  redis.call('ZREM', 'paramedic:dead:replayed', id)
  return redis.call('DEL', key)
end

local function discard_oldest(set, excess)
  if excess <= 0 then return 0 end
  local ids = redis.call('ZRANGE', set, 0, excess - 1)
  for _, id in ipairs(ids) do forget_letter(id) end
  return #ids
end

local function discard_excess()
  local limit = tonumber(redis.call('GET', 'paramedic:dead:limit') or 10000)
  local kept = redis.call('ZCARD', 'paramedic:dead')
  local excess = kept + redis.call('ZCARD', 'paramedic:dead:replayed') - limit
  excess = excess - discard_oldest('paramedic:dead:replayed', excess)
  local discarded = discard_oldest('paramedic:dead', excess)
  if discarded > 0 then redis.call('INCRBY', 'paramedic:dead:discarded', discarded) end
  return discarded
end

local function keep_letter(text, now)
  local pattern = '^{"id":"(%w+)","at":"[^"]*","reason":"([%w_]+)","replay":(%w+)'
  local id, reason, number = string.match(text, pattern)
  local split = string.find(text, '\\n', 1, true)
  local letter, original = string.sub(text, 1, split - 1), string.sub(text, split + 1)
  local key = 'paramedic:dead:' .. id
  local known = redis.call('HMGET', key, 'state', 'replays', 'reason')
  if known[1] == 'dead' then return 0, 0 end
  if known[1] then
    local replays = #cjson.decode(known[2] or '[]')
    if number ~= 'null' and tonumber(number) ~= replays then return 0, 0 end
    if redis.call('ZREM', 'paramedic:dead', id) == 1 then
      redis.call('HINCRBY', 'paramedic:dead:reasons', known[3], -1)
    end
    redis.call('ZREM', 'paramedic:dead:replayed', id)
  else
    redis.call('HSET', key, 'original', original)
  end
  redis.call('HSET', key, 'letter', letter, 'reason', reason, 'state', 'dead')
  redis.call('HINCRBY', 'paramedic:dead:reasons', reason, 1)
  redis.call('ZADD', 'paramedic:dead', now, id)
  return 1, discard_excess()
end
"""

#: Keeps one letter, in place of the journal's entry of its batch: the sweep must not record
#: what is a letter now. The DEL marks the script as one that has written, so that it is let
#: through by a Redis that is full: what is kept was inside already, in a queue.
#:
#: ARGV: the letter (see KEEP_LETTER), now, greatest number of letters, batch id or nothing.
#: Gives {1 if kept else 0, letters discarded, letters that wait}.
KEEP_ONE_LETTER = (
    KEEP_LETTER
    + """
redis.call('DEL', 'paramedic:dead:limit')
redis.call('SET', 'paramedic:dead:limit', ARGV[3])
redis.call('HDEL', 'paramedic:journal', ARGV[4])
redis.call('ZREM', 'paramedic:journal:published', ARGV[4])
local kept, discarded = keep_letter(ARGV[1], ARGV[2])
return {kept, discarded, redis.call('ZCARD', 'paramedic:dead')}
"""
)

#: Drops one letter.
#:
#: ARGV: id. Gives 1, or 0 where there was none.
DROP_LETTER = (
    KEEP_LETTER
    + """
return forget_letter(ARGV[1])
"""
)

#: Discards what is beyond the bounds.
#:
#: ARGV: cutoff, greatest number of letters, greatest number to discard by age now.
#: Gives {letters discarded by count, by age}; those that had been replayed are not counted.
DISCARD_LETTERS = (
    KEEP_LETTER
    + """
redis.call('DEL', 'paramedic:dead:limit')  -- a full Redis lets the rest through after it
redis.call('SET', 'paramedic:dead:limit', ARGV[2])
local by_count, by_age = discard_excess(), 0
for _, set in ipairs({'paramedic:dead:replayed', 'paramedic:dead'}) do
  local ids = redis.call('ZRANGEBYSCORE', set, '-inf', '(' .. ARGV[1], 'LIMIT', 0, ARGV[3])
  for _, id in ipairs(ids) do forget_letter(id) end
  if set == 'paramedic:dead' then by_age = #ids end
end
if by_age > 0 then redis.call('INCRBY', 'paramedic:dead:discarded', by_age) end
return {by_count, by_age}
"""
)
