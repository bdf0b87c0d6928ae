-- Extend the lease of a claim that still holds. ARGV: the thread, its fence, the lease in milliseconds.
local clock, due, fences, leases = unpack(KEYS)
local thread = ARGV[1]
local held = redis.call('HEXISTS', leases, thread) == 1
if not held or redis.call('HGET', fences, thread) ~= ARGV[2] then return 0 end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(redis.call('GET', clock) or 0)
local ends = string.format('%.0f', now + ARGV[3])
redis.call('ZADD', due, ends, thread)
redis.call('HSET', leases, thread, ends)
return 1
