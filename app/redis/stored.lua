-- A thread at one instant, as it is stored: its lines, the chain's end kept for it, its place in the list.
-- ARGV: the thread.
local log, heads, threads = unpack(KEYS)
return {redis.call('LRANGE', log, 0, -1), redis.call('HGET', heads, ARGV[1]), redis.call('ZSCORE', threads, ARGV[1])}
