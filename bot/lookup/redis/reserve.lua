-- One account's pace, shared by all replicas: who asks is told when it may send, or that it has to let others go first.
--
-- KEYS[1]  a hash: next and touched (microseconds of this server's clock), slowed_at and slowed_from,
--          and for each replica "replica:<id>" = "<last seen> <persons waiting there> <divisor> <alone> <under way>"; what
--          a newer release writes after that is left alone, and an older one writes no "under way"
-- ARGV     what (reserve | beat | leave), id, requests a second, background (1) or a person (0), persons waiting at this
--          replica besides whoever asks, too many requests seen (1) or not (0), by what it divides the rate while it
--          goes alone, whether it does so now (1) or not (0), requests of it that may still reach RTC, how many RTC may
--          see in a second
-- What stands in the hash is not trusted: a number that cannot be is taken for one that is not there.
-- Returns  granted (1) or not (0), microseconds to wait, replicas, the share of the rate in use (millionths)

local SECOND = 1000000
local FRESH = 2 * SECOND         -- a replica not heard of for longer paces itself: its part is left to it
local FORGOTTEN = 60 * SECOND    -- and then it is taken for dead
local HEARD = 1 * SECOND         -- for so long a replica's word holds that persons wait there
local AT_ONCE = 0.5              -- what is left of the rate after "too many requests",
local CLIMB = 0.05               -- and what comes back each second
local LEAST = 0.05               -- what is left for the others, whatever is missing
local LONGEST = 250000           -- a background asker comes back after so long at the latest
local FULL = 20000               -- and whoever finds as many under way as RTC may see in a second, after so long
local FURTHEST = 2 * SECOND      -- a slot is no further ahead than that and one for each replica
local MANY = 100                 -- replicas

local key, what, id = KEYS[1], ARGV[1], ARGV[2]
local limit, is_background, persons = tonumber(ARGV[3]), ARGV[4] == '1', tonumber(ARGV[5])
local is_slowed, divisor, is_alone = ARGV[6] == '1', tonumber(ARGV[7]), tonumber(ARGV[8])
local under_way, room = tonumber(ARGV[9]), tonumber(ARGV[10])

local time = redis.call('TIME')
local now = time[1] * SECOND + time[2]

local function put(field, number)
  redis.call('HSET', key, field, string.format('%.0f', number))
end

if what == 'leave' then
  redis.call('HDEL', key, 'replica:' .. id)
  return {0, 0, 0, 0}
end

local function sign(places)
  local row = string.format('%.0f %d %d %d %d', now, persons, divisor, is_alone, places)
  redis.call('HSET', key, 'replica:' .. id, row)
end
sign(under_way)

local state = {}
local replicas, parts_elsewhere, persons_elsewhere, under_way_elsewhere = 0, 0, 0, 0

local function number(text)
  local read = tonumber(text)
  return read and read >= 0 and read < 2 ^ 53 and read or nil
end

-- Whoever goes alone takes its part by the number that it knows, not by today's.
local function count(name, value)
  local seen, waiting, by, alone = value:match('^(%d+) (%d+) (%d+) (%d+)')
  if not seen then
    return
  end
  local places = number(value:match('^%d+ %d+ %d+ %d+ (%d+)')) or 0
  local age = math.abs(now - tonumber(seen)) -- the server's clock may have been set back
  if age > FORGOTTEN then
    redis.call('HDEL', key, name)
    return
  end
  replicas = replicas + 1
  if alone == '1' or age > FRESH then
    parts_elsewhere = parts_elsewhere + 1 / math.max(tonumber(by), 1)
  elseif name ~= 'replica:' .. id then
    under_way_elsewhere = under_way_elsewhere + math.min(places, room)
    if age <= HEARD then
      persons_elsewhere = persons_elsewhere + waiting
    end
  end
end

local fields = redis.call('HGETALL', key)
for at = 1, #fields, 2 do
  local name, value = fields[at], fields[at + 1]
  if name:sub(1, 8) == 'replica:' then
    count(name, value)
  else
    state[name] = number(value)
  end
end

-- Flushed, or back after all were away: whoever went by its own pace until now has a second to come back.
-- A server's clock that was set back counts as an absence too.
if not state['next'] or not state['touched'] or math.abs(now - state['touched']) > SECOND then
  state['next'] = now + SECOND
  put('next', state['next'])
end
put('touched', now)

local share = 1
if state['slowed_at'] and state['slowed_at'] > now then
  state['slowed_at'] = now
  put('slowed_at', now)
end
local least = math.min(1 / limit, 1)
if state['slowed_at'] and state['slowed_from'] then
  share = state['slowed_from'] / SECOND + CLIMB * (now - state['slowed_at']) / SECOND
  share = math.max(math.min(share, 1), least)
end
if is_slowed and now - (state['slowed_at'] or 0) >= SECOND then
  share = math.max(share * AT_ONCE, least)
  put('slowed_at', now)
  put('slowed_from', share * SECOND)
end

local answer_share = math.floor(share * SECOND)
local free = math.max(1 - parts_elsewhere, LEAST)
local interval = SECOND / (limit * share * free)
if state['next'] > now + FURTHEST + math.min(replicas, MANY) * interval then
  state['next'] = now + SECOND
  put('next', state['next'])
end
local slot = math.max(state['next'], now)
if what == 'beat' then
  return {0, math.ceil(slot - now), replicas, answer_share}
end

if is_background and persons_elsewhere > 0 then
  return {0, math.ceil(math.min(persons_elsewhere * interval, LONGEST)), replicas, answer_share}
end
if under_way + under_way_elsewhere >= math.max(math.floor(room * free), 1) then
  return {0, FULL, replicas, answer_share}
end
put('next', slot + interval)
sign(under_way + 1)
return {1, math.ceil(slot - now), replicas, answer_share}
