-- Let a scope take requests again.
--
-- KEYS[1] prefix
-- ARGV[1] scope

redis.call('HDEL', key('rests'), ARGV[1])
count_rests()
