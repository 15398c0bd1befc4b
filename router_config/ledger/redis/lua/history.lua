-- What each provider was asked and gave by slot, and all events.
--
-- KEYS[1] prefix
-- ARGV[1] JSON: first and last slot wanted, and by_minutes or by_hours where they are of those
--
-- Returns {provider, slot and packed usage in turn; packed events, newest first}.

local step = cjson.decode(ARGV[1])
local found = {}

local function keep(provider, slot, raw)
  found[#found + 1] = provider
  found[#found + 1] = slot
  found[#found + 1] = raw
end

local slots = {}
for slot = step.first, step.last do slots[#slots + 1] = slot end

local function add_to(hours, hour, raw)
  local requests, tokens, usd, errors = struct.unpack('<dddd', raw)
  local sums = hours[hour] or { 0, 0, 0, 0 }
  hours[hour] = { sums[1] + requests, sums[2] + tokens, sums[3] + usd, sums[4] + errors }
end

-- The hours of slots that are no longer kept one by one, and the sums of those that are.
local function keep_hours(provider)
  local hours = {}
  for _, name in ipairs({ 'hours', 'usage' }) do
    local of_hour, all = name == 'hours' and 1 or HOUR_SLOTS, redis.call('HGETALL', key(name, provider))
    for i = 1, #all, 2 do
      local hour = math.floor(tonumber(all[i]) / of_hour)
      if hour >= step.first and hour <= step.last then add_to(hours, hour, all[i + 1]) end
    end
  end
  for hour, sums in pairs(hours) do keep(provider, hour, struct.pack('<dddd', unpack(sums))) end
end

for _, provider in ipairs(redis.call('SMEMBERS', key('providers'))) do
  if step.by_minutes then
    for _, raw in ipairs(redis.call('HVALS', key('minutes', provider))) do
      local slot, at = struct.unpack('<d', raw)
      if slot >= step.first and slot <= step.last then keep(provider, slot, raw:sub(at)) end
    end
  elseif step.by_hours then
    keep_hours(provider)
  else
    for index, raw in ipairs(redis.call('HMGET', key('usage', provider), unpack(slots))) do
      if raw then keep(provider, slots[index], raw) end
    end
  end
end

return { found, redis.call('LRANGE', key('events'), 0, -1) }
