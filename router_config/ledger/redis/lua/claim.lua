-- Which scopes of a store that is lost this process may restore: those that none has claimed before.
--
-- KEYS[1] prefix
-- ARGV[1] name of the store that is lost
-- ARGV[2...] scopes

local claimed, found = key('claimed', ARGV[1]), {}
for index = 2, #ARGV do
  if redis.call('SADD', claimed, ARGV[index]) == 1 then found[#found + 1] = ARGV[index] end
end
redis.call('EXPIRE', claimed, LEASES_LAST)
return found
