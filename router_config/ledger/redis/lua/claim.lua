-- Which scopes of a store that is lost this process may restore: those that none has claimed that read them as late.
--
-- KEYS[1] prefix
-- ARGV[1] name of the store that is lost
-- ARGV[2...] scope and packed {when it was read, what its day held then}, in turn
--
-- Returns scope and what was claimed of it before (packed in the same way, or empty), in turn.

local claimed, found = key('read', ARGV[1]), {}
for index = 2, #ARGV, 2 do
  local scope, reading = ARGV[index], ARGV[index + 1]
  local before = redis.call('HGET', claimed, scope)
  if not before or struct.unpack('<d', before) < struct.unpack('<d', reading) then
    redis.call('HSET', claimed, scope, reading)
    found[#found + 1] = scope
    found[#found + 1] = before or ''
  end
end
redis.call('EXPIRE', claimed, LEASES_LAST)
return found
