-- When windows will have so much more room than now, if nothing else is used.
--
-- KEYS[1] prefix
-- ARGV[1] packed now
-- ARGV[2] JSON: [{scope, number of the limit, room, without}]: what leaves of the scopes `without` gives no room
--
-- Returns the moment for each, packed, or nothing where the window never held so much.

now = struct.unpack('<d', ARGV[1])

-- What of a window leaves when, added to or taken from `leaving` by moment.
local function add_leaving(leaving, scope, period, metric, sign)
  local slots, amounts = redis.call('HGETALL', key('slots', period, scope)), {}
  for i = 1, #slots, 2 do amounts[slots[i]] = unpack_amount(slots[i + 1])[metric] end
  local order = redis.call('ZRANGE', key('order', period, scope), 0, -1, 'WITHSCORES')
  for i = 1, #order, 2 do
    local leaves = tonumber(order[i + 1])
    leaving[leaves] = (leaving[leaves] or 0) + sign * (amounts[order[i]] or 0)
  end
end

local function clears(asked, period, metric)
  local leaving, moments, freed = {}, {}, 0
  add_leaving(leaving, asked.scope, period, metric, 1)
  for _, scope in ipairs(asked.without) do
    read_page(scope)
    add_leaving(leaving, scope, period, metric, -1)
  end
  for leaves in pairs(leaving) do moments[#moments + 1] = leaves end
  table.sort(moments)
  for _, leaves in ipairs(moments) do
    freed = freed + leaving[leaves]
    if freed >= asked.room - ROUNDING then return struct.pack('<d', leaves) end
  end
  return false
end

local found = {}
for index, asked in ipairs(cjson.decode(ARGV[2])) do
  read_page(asked.scope)
  local kind = LIMITS[asked.number + 1]
  found[index] = clears(asked, kind.period, kind.metric)
end
return found
