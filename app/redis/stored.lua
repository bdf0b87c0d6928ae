-- A thread at one instant, as it is stored: its lines, the digest of each one's bytes, the chain's end kept for it,
-- its place in the list. ARGV: the thread.
local log, heads, threads = unpack(KEYS)
local lines, digests = redis.call('LRANGE', log, 0, -1), {}
for number, line in ipairs(lines) do
  digests[number] = redis.sha1hex(line)
end
return {lines, digests, redis.call('HGET', heads, ARGV[1]), redis.call('ZSCORE', threads, ARGV[1])}
