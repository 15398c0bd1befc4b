-- Keep what was learned of models, and return all that is known of any.
--
-- KEYS[1] prefix
-- ARGV name and text of each curve, in turn

for index = 1, #ARGV, 2 do redis.call('HSET', key('curves'), ARGV[index], ARGV[index + 1]) end
redis.call('EXPIRE', key('curves'), TOTALS_LAST)
return redis.call('HGETALL', key('curves'))
