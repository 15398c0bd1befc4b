-- Everything that the status shows, in one consistent reading.
--
-- KEYS[1] prefix
-- ARGV[1] JSON: now, meters [{scope, limits [their numbers]}], since {provider: moment}, slot_seconds
--
-- Returns {packed page of each meter or nothing; for each limit of each meter, packed, when that window is whole again or
-- nothing; scope and packed rest in turn; for each model {its name, packed usage, packed tokens of the last hour, packed
-- latencies}; provider and packed last error in turn}.

local step = cjson.decode(ARGV[1])
now = step.now

-- The newest slot that holds any of the metric leaves last.
local function whole_again(scope, period, metric)
  local order = redis.call('ZREVRANGE', key('order', period, scope), 0, -1, 'WITHSCORES')
  for i = 1, #order, 2 do
    local raw = redis.call('HGET', key('slots', period, scope), order[i])
    if raw and unpack_amount(raw)[metric] > 0 then return struct.pack('<d', tonumber(order[i + 1])) end
  end
  return false
end

local counted, resets = {}, {}
for _, meter in ipairs(step.meters) do
  local page = read_page(meter.scope)
  counted[#counted + 1] = page and redis.call('GET', key('meter', meter.scope)) or false
  for _, number in ipairs(meter.limits) do
    local kind = LIMITS[number + 1]
    local used = page and page[kind.period][kind.metric] > 0
    resets[#resets + 1] = used and whole_again(meter.scope, kind.period, kind.metric) or false
  end
end

local function usage_of(model, since)
  local requests, tokens, usd, errors, burn = 0, 0, 0, 0, 0
  local slots = redis.call('HGETALL', key('history', model))
  for i = 1, #slots, 2 do
    local ends = (tonumber(slots[i]) + 1) * step.slot_seconds
    if ends > since or ends > now - 3600 then
      local r, t, u, e = struct.unpack('<dddd', slots[i + 1])
      if ends > since then requests, tokens, usd, errors = requests + r, tokens + t, usd + u, errors + e end
      if ends > now - 3600 then burn = burn + t end
    end
  end
  local latencies = redis.call('GET', key('latencies', model)) or ''
  return { model, struct.pack('<ddddd', requests, tokens, usd, errors, burn), latencies }
end

local usage = {}
for _, model in ipairs(next(step.since) and redis.call('SMEMBERS', key('models')) or {}) do
  local since = step.since[cjson.decode(model)[1]]
  if redis.call('EXISTS', key('history', model)) == 0 then
    redis.call('SREM', key('models'), model)
  elseif since then
    usage[#usage + 1] = usage_of(model, since)
  end
end

return { counted, resets, redis.call('HGETALL', key('rests')), usage, redis.call('HGETALL', key('last_errors')) }
