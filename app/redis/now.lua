-- The store's time in milliseconds, with the tests' offset.
local time = redis.call('TIME')
local offset = tonumber(redis.call('GET', KEYS[1]) or 0)
return time[1] * 1000 + math.floor(time[2] / 1000) + offset
