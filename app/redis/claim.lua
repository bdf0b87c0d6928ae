-- Claim the thread that is due longest. ARGV: the lease in milliseconds. The answer is kept under the
-- id of this claim as long as the lease, so that asking again cannot claim a second thread.
local answer, clock, due, fences, leases, woken = unpack(KEYS)
local given = redis.call('GET', answer)
if given then return cjson.decode(given) end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(redis.call('GET', clock) or 0)
local thread = redis.call('ZRANGEBYSCORE', due, '-inf', string.format('%.0f', now), 'LIMIT', 0, 1)[1]
if not thread then return false end

local ends = string.format('%.0f', now + ARGV[1])
local fence = redis.call('HINCRBY', fences, thread, 1)
redis.call('ZADD', due, ends, thread)
redis.call('HSET', leases, thread, ends)
redis.call('SREM', woken, thread)
redis.call('SET', answer, cjson.encode({thread, fence}), 'PX', ARGV[1])
return {thread, fence}
