-- One account's pace, shared by all replicas: who asks is told when it may send, or that it has to let others go first.
--
-- KEYS[1]  a hash: next and touched (microseconds of this server's clock), slowed_at and slowed_from,
--          and for each replica "replica:<id>" = "<last seen> <persons waiting there> <divisor> <alone>"; what a newer
--          release writes after that is left alone, for its replicas and older ones work side by side
-- ARGV     what (reserve | beat | leave), id, requests a second, background (1) or a person (0), persons waiting at this
--          replica besides whoever asks, too many requests seen (1) or not (0), by what it divides the rate while it
--          goes alone, whether it does so now (1) or not (0)
-- Returns  granted (1) or not (0), microseconds to wait, replicas, the share of the rate in use (millionths)

local SECOND = 1000000
local FRESH = 2 * SECOND         -- a replica not heard of for longer paces itself: its part is left to it
local FORGOTTEN = 60 * SECOND    -- and then it is taken for dead
local HEARD = 1 * SECOND         -- for so long a replica's word holds that persons wait there
local AT_ONCE = 0.5              -- what is left of the rate after "too many requests",
local CLIMB = 0.05               -- and what comes back each second
local LEAST = 0.05               -- what is left for the others, whatever is missing
local LONGEST = 250000           -- a background asker comes back after so long at the latest

local key, what, id = KEYS[1], ARGV[1], ARGV[2]
local limit, is_background, persons = tonumber(ARGV[3]), ARGV[4] == '1', tonumber(ARGV[5])
local is_slowed, divisor, is_alone = ARGV[6] == '1', tonumber(ARGV[7]), tonumber(ARGV[8])

local time = redis.call('TIME')
local now = time[1] * SECOND + time[2]

local function put(field, number)
  redis.call('HSET', key, field, string.format('%.0f', number))
end

if what == 'leave' then
  redis.call('HDEL', key, 'replica:' .. id)
  return {0, 0, 0, 0}
end
redis.call('HSET', key, 'replica:' .. id, string.format('%.0f %d %d %d', now, persons, divisor, is_alone))

local state = {}
local replicas, parts_elsewhere, persons_elsewhere = 0, 0, 0

-- Whoever goes alone takes its part by the number that it knows, not by today's.
local function count(name, value)
  local seen, waiting, by, alone = value:match('^(%d+) (%d+) (%d+) (%d+)')
  if not seen then
    return
  end
  local age = math.abs(now - tonumber(seen)) -- the server's clock may have been set back
  if age > FORGOTTEN then
    redis.call('HDEL', key, name)
    return
  end
  replicas = replicas + 1
  if alone == '1' or age > FRESH then
    parts_elsewhere = parts_elsewhere + 1 / tonumber(by)
  elseif age <= HEARD and name ~= 'replica:' .. id then
    persons_elsewhere = persons_elsewhere + waiting
  end
end

local fields = redis.call('HGETALL', key)
for at = 1, #fields, 2 do
  local name, value = fields[at], fields[at + 1]
  if name:sub(1, 8) == 'replica:' then
    count(name, value)
  else
    state[name] = tonumber(value)
  end
end

-- Flushed, or back after all were away: whoever went by its own pace until now has a second to come back.
-- A server's clock that was set back counts as an absence too.
if not state['next'] or math.abs(now - state['touched']) > SECOND then
  state['next'] = now + SECOND
  put('next', state['next'])
end
put('touched', now)

local share = 1
if state['slowed_at'] and state['slowed_at'] > now then
  state['slowed_at'] = now
  put('slowed_at', now)
end
if state['slowed_at'] then
  share = math.min(state['slowed_from'] / SECOND + CLIMB * (now - state['slowed_at']) / SECOND, 1)
end
if is_slowed and now - (state['slowed_at'] or 0) >= SECOND then
  share = math.max(share * AT_ONCE, math.min(1 / limit, 1))
  put('slowed_at', now)
  put('slowed_from', share * SECOND)
end

local answer_share = math.floor(share * SECOND)
if what == 'beat' then
  return {0, 0, replicas, answer_share}
end

local rate = limit * share * math.max(1 - parts_elsewhere, LEAST)
local interval = SECOND / rate
if is_background and persons_elsewhere > 0 then
  return {0, math.ceil(math.min(persons_elsewhere * interval, LONGEST)), replicas, answer_share}
end
local slot = math.max(state['next'], now)
put('next', slot + interval)
return {1, math.ceil(slot - now), replicas, answer_share}
