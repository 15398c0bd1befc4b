-- What each provider was asked and gave by slot, and all events.
--
-- KEYS[1] prefix
-- ARGV[1] JSON: slots wanted {first, last} and of what length, "minutes" or "history"
--
-- Returns {provider or name of the model, slot and packed usage in turn; packed events, newest first}.

local step = cjson.decode(ARGV[1])
local found = {}

local function keep(name, slot, raw)
  found[#found + 1] = name
  found[#found + 1] = slot
  found[#found + 1] = raw
end

if step.of == 'minutes' then
  for _, provider in ipairs(redis.call('SMEMBERS', key('providers'))) do
    local places = redis.call('HVALS', key('minutes', provider))
    for _, raw in ipairs(places) do
      local slot = struct.unpack('<d', raw)
      if slot >= step.first and slot <= step.last then keep(provider, slot, raw:sub(9)) end
    end
    if #places == 0 then redis.call('SREM', key('providers'), provider) end
  end
else
  local slots = {}
  for slot = step.first, step.last do slots[#slots + 1] = slot end
  for _, model in ipairs(redis.call('SMEMBERS', key('models'))) do
    for index, raw in ipairs(redis.call('HMGET', key('history', model), unpack(slots))) do
      if raw then keep(model, slots[index], raw) end
    end
  end
end

return { found, redis.call('LRANGE', key('events'), 0, -1) }
