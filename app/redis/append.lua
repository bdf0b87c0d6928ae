-- One change of one thread: all of it or nothing. ARGV: the change (JSON), the id of this write,
-- the channel of hints, then the events, one JSON text each. What is done is answered by the thread
-- as it is then, as look.lua does: its lines from an index on, the time, its repository's facts.
local written, clock, log, threads = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local due, fences, leases, woken = KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local slack_due, slack_leases = KEYS[9], KEYS[10]
local locks, waiting, facts, history, index = KEYS[11], KEYS[12], KEYS[13], KEYS[14], KEYS[15]
local heads, slack_woken, asked = KEYS[16], KEYS[17], KEYS[18]
local first_other = 19
local PATIENCE = 30000 -- ms that a free lock waits for the first in line

local change = cjson.decode(ARGV[1])
local thread = change.thread
local first_seen = first_other + #change.others
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(redis.call('GET', clock) or 0)
local at = string.format('%.0f', now)

local function done()
  return {'done', redis.call('LRANGE', log, change.from, -1), now, redis.call('HGETALL', facts)}
end

-- What stands against it. A write that was done is done, whatever happened since.
if redis.call('EXISTS', written) == 1 then return done() end
for i = first_seen, #KEYS do
  if redis.call('EXISTS', KEYS[i]) == 1 then return {'seen'} end
end
if change.fence and tonumber(redis.call('HGET', fences, thread) or 0) ~= change.fence then
  return {'fenced'}
end
local length = redis.call('LLEN', log)
if change.version and length ~= change.version then return {'conflict'} end
for i, seen in ipairs(change.others) do
  if redis.call('LLEN', KEYS[first_other + i - 1]) ~= seen then return {'conflict'} end
end
for key, expected in pairs(change.expects) do
  if (redis.call('HGET', facts, key) or cjson.null) ~= expected then return {'conflict'} end
end
-- Where a thread stands in line: who is urgent stands before all others.
local place = string.format('%.0f', change.urgent and now - 1e12 or now)
-- Who goes first for a free lock: who stands before this thread and asked for the same one lately.
-- Who has not is asleep or gone, and keeps nobody waiting.
local function before(target)
  local mine = redis.call('ZSCORE', waiting, thread) or place
  if tonumber(place) < tonumber(mine) then mine = place end
  for _, other in ipairs(redis.call('ZRANGEBYSCORE', waiting, '-inf', mine)) do
    if other == thread then return false end
    local ask = cjson.decode(redis.call('HGET', asked, other) or '{"at":0,"take":[]}')
    for _, wanted in ipairs(now - ask.at <= PATIENCE and ask.take or {}) do
      if wanted == target then return other end
    end
  end
  return false
end
for _, target in ipairs(change.take) do
  local holder = redis.call('HGET', locks, target) or before(target)
  if holder and holder ~= thread then
    redis.call('ZADD', waiting, 'LT', place, thread)
    redis.call('HSET', asked, thread, cjson.encode({at = now, take = change.take}))
    return {'locked', target, holder}
  end
end

-- Events and the records beside them.
redis.call('SET', written, '', 'EX', 600)
for i = first_seen, #KEYS do redis.call('SET', KEYS[i], thread, 'EX', 604800) end
-- Each line names the hash of all before it and itself; SHA-1 is what scripts are given. Lines that
-- came without a link, from a version that knew none, are taken into the chain here.
local chained, link = string.match(redis.call('HGET', heads, thread) or '', '^(%d+):(%x+)$')
chained, link = tonumber(chained or 0), link or thread
if #ARGV > 3 and length > chained then
  for _, line in ipairs(redis.call('LRANGE', log, chained, -1)) do
    link = redis.sha1hex(link .. line)
  end
end
for i = 4, #ARGV do
  local rest = '"at":' .. at .. ',"write":"' .. ARGV[2] .. '","event":' .. ARGV[i] .. '}'
  link = redis.sha1hex(link .. rest)
  redis.call('RPUSH', log, '{"link":"' .. link .. '",' .. rest)
end
if #ARGV > 3 then redis.call('HSET', heads, thread, length + #ARGV - 3 .. ':' .. link) end
if #ARGV > 3 and length == 0 then redis.call('ZADD', threads, at, thread) end
for key, value in pairs(change.facts) do
  if value == cjson.null then
    redis.call('HDEL', facts, key)
  else
    redis.call('HSET', facts, key, value)
  end
end
for _, line in ipairs(change.history) do redis.call('LPUSH', history, line) end
if #change.history > 0 then redis.call('LTRIM', history, 0, 499) end
for _, message in ipairs(change.index) do redis.call('HSET', index, message, thread) end

-- Wake-ups. A leased thread keeps its place: when it is parked, its length tells that it moved on.
local hint = false
local function leased(who, ends)
  return tonumber(redis.call('HGET', ends, who) or 0) > now
end
local function look_anew(who, at_rank, queue, ends, again)
  if leased(who, ends) then
    redis.call('SADD', again, who)
  else
    redis.call('ZADD', queue, 'LT', at_rank, who)
    hint = true
  end
end
local function wake(queue, ends)
  if leased(thread, ends) then return end
  redis.call('ZADD', queue, 'LT', at, thread)
  hint = true
end
if not change.silent then
  -- Without events its length tells nothing, so it is due again as soon as it is parked.
  if #ARGV == 3 and leased(thread, leases) then redis.call('SADD', woken, thread) end
  wake(due, leases)
  wake(slack_due, slack_leases)
end

-- What other threads show, too: the newest of them are looked at anew, also who is looked at now.
-- What other threads wait for: every one that rests until a time, for the time may have changed.
if change.elsewhere then
  for _, other in ipairs(redis.call('ZREVRANGE', threads, 0, change.elsewhere - 1)) do
    look_anew(other, at, slack_due, slack_leases, slack_woken)
  end
  for _, other in ipairs(redis.call('ZRANGE', due, 0, -1)) do
    look_anew(other, at, due, leases, woken)
  end
end
for _, other in ipairs(change.wake) do
  look_anew(other, at, due, leases, woken)
  look_anew(other, at, slack_due, slack_leases, slack_woken)
end
-- Who waits for what this tells of says so by a fact of its own.
if #change.tells > 0 then
  local told = {}
  for _, topic in ipairs(change.tells) do told[topic] = true end
  local all = redis.call('HGETALL', facts)
  for i = 1, #all, 2 do
    local other = string.match(all[i], '^waits/(.+)$')
    if other and told[all[i + 1]] then look_anew(other, at, due, leases, woken) end
  end
end

-- Locks. Who waits stays in line until it takes what it waits for, or its own worker writes without
-- waiting; if it was the first, the next one is to ask.
local given_back = 0
for _, target in ipairs(change.release) do
  if redis.call('HGET', locks, target) == thread then
    given_back = given_back + redis.call('HDEL', locks, target)
  end
end
for _, target in ipairs(change.take) do redis.call('HSET', locks, target, thread) end
if change.waits then
  redis.call('ZADD', waiting, 'LT', place, thread)
elseif change.fence or #change.take > 0 then
  local was_first = redis.call('ZRANK', waiting, thread) == 0
  redis.call('ZREM', waiting, thread)
  redis.call('HDEL', asked, thread)
  local first = redis.call('ZRANGE', waiting, 0, 0)[1]
  if was_first and first then look_anew(first, at, due, leases, woken) end
end
if given_back > 0 then
  local rank = 0
  for _, other in ipairs(redis.call('ZRANGE', waiting, 0, -1)) do
    if other ~= thread then
      look_anew(other, string.format('%.0f', now + rank), due, leases, woken)
      rank = rank + 1
    end
  end
end
if hint then redis.call('PUBLISH', ARGV[3], thread) end
return done()
