-- The sums of all processes since the store began.
--
-- KEYS[1] prefix
--
-- Returns {ending and packed sums in turn; what is counted and how many times in turn}.

return { redis.call('HGETALL', key('attempt_total')), redis.call('HGETALL', key('counted_total')) }
