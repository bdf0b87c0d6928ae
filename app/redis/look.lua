-- A thread at one instant: its lines from an index on, the time in milliseconds, its repo's facts.
-- ARGV: the index.
local clock, log, facts = unpack(KEYS)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(redis.call('GET', clock) or 0)
return {redis.call('LRANGE', log, ARGV[1], -1), now, redis.call('HGETALL', facts)}
