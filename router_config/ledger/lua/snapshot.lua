-- Everything that the status shows, in one consistent reading.
--
-- KEYS[1] prefix
-- ARGV[1] JSON: now, meters [{scope, limits [their numbers]}], since {provider: moment}, slot_seconds, slots_kept
--
-- Returns {packed page of each meter or nothing; for each limit of each meter, packed, when that window is whole again or
-- nothing; scope and packed rest in turn; for each provider {its name, packed usage, packed tokens of the last hour, packed
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

local function usage_of(provider, since)
  local requests, tokens, usd, errors, burn = 0, 0, 0, 0, 0
  local hour = math.floor((now - 3600) / step.slot_seconds)
  local day, slots = math.floor(since / step.slot_seconds), {}
  local last = math.floor(now / step.slot_seconds)
  for slot = math.max(math.min(day, hour), last - step.slots_kept), last do slots[#slots + 1] = slot end
  for index, raw in ipairs(redis.call('HMGET', key('usage', provider), unpack(slots))) do
    if raw then
      local r, t, u, e = struct.unpack('<dddd', raw)
      if slots[index] >= day then requests, tokens, usd, errors = requests + r, tokens + t, usd + u, errors + e end
      if slots[index] >= hour then burn = burn + t end
    end
  end
  local latencies = redis.call('GET', key('latencies', provider)) or ''
  return { provider, struct.pack('<ddddd', requests, tokens, usd, errors, burn), latencies }
end

local usage = {}
for _, provider in ipairs(next(step.since) and redis.call('SMEMBERS', key('providers')) or {}) do
  local since = step.since[provider]
  if redis.call('EXISTS', key('usage', provider)) == 0 then
    redis.call('SREM', key('providers'), provider)
  elseif since then
    usage[#usage + 1] = usage_of(provider, since)
  end
end

return { counted, resets, redis.call('HGETALL', key('rests')), usage, redis.call('HGETALL', key('last_errors')) }
