-- Count a process among those that use the store, and say how many do.
--
-- KEYS[1] prefix
-- ARGV[1] packed: now, seconds for which a process counts that does not sign in again
-- ARGV[2] name of the process
-- ARGV[3] a name for the store, should it be new
--
-- Returns {processes, name of the store}. A store that lost everything has another name.

local lasts
now, lasts = struct.unpack('<dd', ARGV[1])
redis.call('ZADD', key('processes'), now, ARGV[2])
redis.call('ZREMRANGEBYSCORE', key('processes'), '-inf', now - lasts)
redis.call('SET', key('name'), ARGV[3], 'NX')
return { redis.call('ZCARD', key('processes')), redis.call('GET', key('name')) }
