-- Keep what was learned of models, and return all that is known of any. A text takes the place of the one that it was
-- made from and of no other: what another process told meanwhile is returned, for the caller to merge with.
--
-- KEYS[1] prefix
-- ARGV of each text in turn its name, SHA-1 of the text in whose place it is put (empty for none), and itself

for index = 1, #ARGV, 3 do
  local name, before = ARGV[index], redis.call('HGET', key('curves'), ARGV[index])
  if (before and redis.sha1hex(before) or '') == ARGV[index + 1] then
    redis.call('HSET', key('curves'), name, ARGV[index + 2])
  end
end
redis.call('EXPIRE', key('curves'), TOTALS_LAST)
return redis.call('HGETALL', key('curves'))
