-- When windows will have so much more room than now, if nothing else is used.
--
-- KEYS[1] prefix
-- ARGV[1] packed now
-- ARGV[2] JSON: [{scope, number of the limit, room}]
--
-- Returns the moment for each, packed, or nothing where the window never held so much.

now = struct.unpack('<d', ARGV[1])

local function clears(scope, period, metric, room)
  local slots, freed = redis.call('HGETALL', key('slots', period, scope)), 0
  local amounts = {}
  for i = 1, #slots, 2 do amounts[slots[i]] = unpack_amount(slots[i + 1])[metric] end
  local order = redis.call('ZRANGE', key('order', period, scope), 0, -1, 'WITHSCORES')
  for i = 1, #order, 2 do
    freed = freed + (amounts[order[i]] or 0)
    if freed >= room - ROUNDING then return struct.pack('<d', tonumber(order[i + 1])) end
  end
  return false
end

local found = {}
for index, asked in ipairs(cjson.decode(ARGV[2])) do
  read_page(asked.scope)
  local kind = LIMITS[asked.number + 1]
  found[index] = clears(asked.scope, kind.period, kind.metric, asked.room)
end
return found
