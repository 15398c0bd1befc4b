-- Everything that the status shows, in one consistent reading.
--
-- KEYS[1] prefix
-- ARGV[1] JSON: now, since {provider: moment}
-- ARGV[2] JSON: meters [{scope, limits [their numbers]}]
--
-- Returns {page of each meter, each after its length (0: there is none), in one text; for each limit of each meter when
-- that window is whole again (0: it holds nothing), packed in one text; scope and packed cooldown in turn; for each provider
-- {its name, packed usage, packed latencies}; provider and packed last error in turn}. Texts, since to read
-- one more part of an answer takes as long as a hundred bytes.

local step = cjson.decode(ARGV[1])
now = step.now

-- The newest slot that holds any of the metric leaves last; nearly always that is the newest of all.
local function whole_again(scope, period, metric)
  local order, slots = key('order', period, scope), key('slots', period, scope)
  for _, last in ipairs({ 0, -1 }) do
    local newest = redis.call('ZREVRANGE', order, 0, last, 'WITHSCORES')
    for i = 1, #newest, 2 do
      local raw = redis.call('HGET', slots, newest[i])
      if raw and unpack_amount(raw)[metric] > 0 then return tonumber(newest[i + 1]) end
    end
  end
  return 0
end

local counted, resets = {}, {}
for _, meter in ipairs(cjson.decode(ARGV[2])) do
  local page = read_page(meter.scope)
  local raw = page and redis.call('GET', key('meter', meter.scope)) or ''
  counted[#counted + 1] = struct.pack('<I4', #raw)
  counted[#counted + 1] = raw
  for _, number in ipairs(meter.limits) do
    local kind = LIMITS[number + 1]
    local used = page and page[kind.period][kind.metric] > 0
    resets[#resets + 1] = struct.pack('<d', used and whole_again(meter.scope, kind.period, kind.metric) or 0)
  end
end

local last = math.floor(now / SLOT_SECONDS)
local hour = math.floor((now - BURN_SECONDS) / SLOT_SECONDS)
local slots_by_first = {}

-- The fields of slots, made once for all providers whose day began together: to make them takes longer than to ask.
local function slots_from(first)
  local slots = slots_by_first[first]
  if not slots then
    slots = {}
    for slot = first, last do slots[#slots + 1] = string.format('%d', slot) end
    slots_by_first[first] = slots
  end
  return slots
end

local function prompts_of(provider, first)
  local prompt, cached = 0, 0
  if redis.call('EXISTS', key('prompts', provider)) == 0 then return prompt, cached end
  for _, raw in ipairs(redis.call('HMGET', key('prompts', provider), unpack(slots_from(first)))) do
    if raw then
      local p, c = struct.unpack('<dd', raw)
      prompt, cached = prompt + p, cached + c
    end
  end
  return prompt, cached
end

local function usage_of(provider, since)
  local requests, tokens, usd, errors, burn = 0, 0, 0, 0, 0
  local day = math.floor(since / SLOT_SECONDS)
  local first = math.max(math.min(day, hour), last - SLOTS_KEPT)
  for index, raw in ipairs(redis.call('HMGET', key('usage', provider), unpack(slots_from(first)))) do
    if raw then
      local slot = first + index - 1
      local r, t, u, e = struct.unpack('<dddd', raw)
      if slot >= day then requests, tokens, usd, errors = requests + r, tokens + t, usd + u, errors + e end
      if slot >= hour then burn = burn + t end
    end
  end
  local latencies = redis.call('GET', key('latencies', provider)) or ''
  local prompt, cached = prompts_of(provider, math.max(day, last - SLOTS_KEPT))
  return { provider, struct.pack('<ddddddd', requests, tokens, usd, errors, burn, prompt, cached), latencies }
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

return {
  table.concat(counted), table.concat(resets), redis.call('HGETALL', key('rests')), usage,
  redis.call('HGETALL', key('last_errors')),
}
