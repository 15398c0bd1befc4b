-- The last decisions, newest first.
--
-- KEYS[1] prefix
-- ARGV[1] the number after which they are wanted, ARGV[2] how many at most
--
-- Returns each with its number, packed, before it.

local newest, after, last = tonumber(redis.call('GET', key('decided')) or 0), tonumber(ARGV[1]), tonumber(ARGV[2])
if after <= newest then last = math.min(last, newest - after) end -- Beyond the newest: this store lost everything.
if last <= 0 then return {} end
local found, later = redis.call('LRANGE', key('decisions'), 0, last - 1), {}
local ring = redis.call('HGETALL', key('decisions_later'))
for index = 2, #ring, 2 do
  local number, begins = struct.unpack('<d', ring[index])
  later[number] = ring[index]:sub(begins)
end
for index, decision in ipairs(found) do
  local second = later[(struct.unpack('<d', decision))]
  if second then found[index] = decision .. '\n' .. second end
end
return found
