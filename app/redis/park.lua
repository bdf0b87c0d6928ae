-- Give a claimed thread back. ARGV: the thread, its fence, the number of events that its holder saw,
-- when it is due again ('' for never), the channel of hints. Nothing happens if the claim is over.
-- Answers in how many milliseconds it is due by its own time.
local clock, due, fences, leases, woken, log = unpack(KEYS)
local thread = ARGV[1]
local held = redis.call('HEXISTS', leases, thread) == 1
if not held or redis.call('HGET', fences, thread) ~= ARGV[2] then return false end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(redis.call('GET', clock) or 0)
redis.call('HDEL', leases, thread)
local called = redis.call('SREM', woken, thread) == 1
if called or redis.call('LLEN', log) > tonumber(ARGV[3]) then
  redis.call('ZADD', due, string.format('%.0f', now), thread)
  redis.call('PUBLISH', ARGV[5], thread)
elseif ARGV[4] == '' then
  redis.call('ZREM', due, thread)
else
  redis.call('ZADD', due, ARGV[4], thread)
  return math.max(0, ARGV[4] - now)
end
return false
