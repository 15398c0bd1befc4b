-- The pages of some meters and all cooldowns, as they are now.
--
-- KEYS[1] prefix
-- ARGV[1] packed now
-- ARGV[2...] scopes
--
-- Returns {page of each scope, packed, or nothing; scope and packed cooldown in turn}.

now = struct.unpack('<d', ARGV[1])
local found = {}
for index = 2, #ARGV do
  local scope = ARGV[index]
  found[#found + 1] = read_page(scope) and redis.call('GET', key('meter', scope)) or false
end
return { found, redis.call('HGETALL', key('rests')) }
