-- What each provider was asked and gave by slot, and all events.
--
-- KEYS[1] prefix
-- ARGV[1] JSON: first and last slot wanted, by_minutes
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

for _, provider in ipairs(redis.call('SMEMBERS', key('providers'))) do
  if step.by_minutes then
    for _, raw in ipairs(redis.call('HVALS', key('minutes', provider))) do
      local slot, at = struct.unpack('<d', raw)
      if slot >= step.first and slot <= step.last then keep(provider, slot, raw:sub(at)) end
    end
  else
    for index, raw in ipairs(redis.call('HMGET', key('usage', provider), unpack(slots))) do
      if raw then keep(provider, slots[index], raw) end
    end
  end
end

return { found, redis.call('LRANGE', key('events'), 0, -1) }
