-- Choose the first candidate with room in every window and take the room: choice.py and gates.py in one atomic step.
--
-- KEYS[1] prefix
-- ARGV[1] packed: now, when the lease expires, 1 if no candidates follow in another call, tokens that it surely takes: in
--   all, input, output
-- ARGV[2] id of the lease
-- ARGV[3] JSON: marks (that of the lease's expiry by kind of day), shares (by scope, of its paced limits what may be
--   used by now; pacing.py), divided (by what a meter names, what is kept of
--   its limits for other classes of agents; kept.py)
-- ARGV[4...] two for each candidate: its JSON, and what it needs (packed requests, tokens, usd, the most in usd, and input
--   and output tokens where they are counted apart)
--
-- Returns {candidate taken or 0, spare candidate or 0, tokens taken, probes, scopes held, status of each examined,
-- packed usd taken, and input and output taken where they are counted apart}.
-- A spare is one past its soft limit. It is taken when nothing better can follow, else handed back for the next call.

local expires_at, last, least, least_input, least_output
now, expires_at, last, least, least_input, least_output = struct.unpack('<dddddd', ARGV[1])
local least_of = { input = least_input, output = least_output }
local lease_id, step = ARGV[2], cjson.decode(ARGV[3])
local expiry_marks, shares, divided = step.marks, step.shares, step.divided
local any_cooldown = redis.call('EXISTS', key('rests')) == 1

-- The status of a candidate in cooldown, else nil and the scopes whose ended cooldown this request would probe.
local function blocked_by_cooldown(candidate)
  local probes = {}
  if any_cooldown then
    for _, raw in ipairs(redis.call('HMGET', key('rests'), unpack(candidate.scopes))) do
      local cooldown = raw and unpack_cooldown(raw)
      if cooldown and holds(cooldown) then return cooldown.until_ <= now and 'probing' or cooldown.status end
    end
    for _, scope in ipairs(candidate.scopes) do
      local cooldown = read_cooldown(scope)
      if cooldown and cooldown.probes > 0 then probes[#probes + 1] = scope end
    end
  end
  return nil, probes
end

-- Each limit of a meter with what counts as used: configured and reported, whichever leaves less room.
local function limits_in_force(meter, page)
  local found, reported, configured, units = {}, {}, {}, {}
  for _, observed in ipairs(page.observed) do reported[observed.number] = observed end
  for _, limit in ipairs(meter.limits) do
    local kind, observed = LIMITS[limit.number + 1], reported[limit.number]
    local value, soft, used = limit.value, limit.soft or math.huge, page[kind.period][kind.metric]
    if observed then
      if observed.limit < value and now < observed.observed_at + OBSERVED_LIMIT_LASTS then
        value, soft = observed.limit, soft * observed.limit / value
      end
      used = used + extra_at(observed)
    end
    found[#found + 1] = {
      exhausts = kind.exhausts, metric = kind.metric, part = kind.part, value = value, soft = soft, used = used, period = kind.period,
      paced = kind.exhausts and shares[meter.scope] and value * shares[meter.scope],
    }
    configured[limit.number] = true
    if not BASIC[kind.unit] then units[kind.unit] = true end
  end
  if next(units) == nil then units = BASIC end
  for _, observed in ipairs(page.observed) do
    if not configured[observed.number] and now < observed.observed_at + OBSERVED_LIMIT_LASTS then
      local kind, used = LIMITS[observed.number + 1], extra_at(observed)
      local same_part = kind.part == meter.part
      if same_part and units[kind.unit] then used = used + page[kind.period][kind.metric] end
      if same_part or used >= observed.limit then
        found[#found + 1] = {
          exhausts = kind.exhausts, metric = kind.metric, part = kind.part, value = observed.limit, soft = math.huge, used = used,
          period = kind.period,
        }
      end
    end
  end
  return found
end

-- What of a limit may be used and reserved in all, beside what is kept for other classes. `kept_of` of kept.py.
local function most_of(gate, meter, held)
  local of_meter = meter.divided and divided[meter.divided]
  if not of_meter then return gate.value end
  local function whole(amount)
    return gate.metric == 'requests' and math.floor(amount + ROUNDING) or amount
  end
  local function used_by(scope)
    local page = read_page(scope)
    return page and page[gate.period][gate.metric] + page.open[gate.metric] or 0
  end
  local most = gate.value
  for _, keep in ipairs(of_meter.keeps) do
    local share = whole(gate.value * keep.share)
    local unreleased = gate.period == 'day' and keep.unreleased or 1
    most = most - math.max(0, whole(math.min(share - used_by(keep.scope), share * unreleased)))
  end
  if of_meter.own and not gate.exhausts then
    local spare = gate.value * of_meter.spare
    if gate.metric == 'requests' then spare = gate.value >= 2 and math.ceil(spare - ROUNDING) or 0 end
    most = most - spare
  elseif of_meter.own then
    local others = math.max(0, held - used_by(of_meter.own))
    most = others + of_meter.gone * math.max(0, most - others)
  end
  return most
end

-- What the request takes: never more tokens than the smallest limit of them, or an estimate too high would starve it; of
-- a budget what the longest answer would cost (dearest), or all that is left.
local function fitted(amount, dearest, metered)
  for _, each in ipairs(metered) do
    local part = amount[each.meter.part] and each.meter.part or 'tokens'
    for _, gate in ipairs(each.gates) do
      if gate.metric == 'tokens' and gate.value < amount[part] then amount[part] = math.floor(gate.value) end
      if gate.metric == 'usd' and dearest > 0 then
        local held = gate.used + each.page.open.usd
        dearest = math.min(dearest, most_of(gate, each.meter, held) * (1 - ROUNDING) - held)
      end
    end
  end
  if amount.usd > 0 and dearest > amount.usd then amount.usd = dearest end
  return amount
end

local function standing(amount, metered)
  local soft = false
  for _, each in ipairs(metered) do
    local taken = counted(amount, each.meter.part)
    for _, gate in ipairs(each.gates) do
      local reserved, needed = each.page.open[gate.metric], taken[gate.metric]
      if gate.metric == 'tokens' and gate.value > 0 and (least_of[gate.part] or least) > gate.value then return 'too_large' end
      if gate.value <= 0 or gate.used + reserved + needed > gate.value then
        return each.meter.of_class and 'share_used' or gate.exhausts and 'exhausted' or 'rate_limited'
      end
      local held = gate.used + reserved
      if needed > 0 and held + needed > most_of(gate, each.meter, held) + ROUNDING then return 'kept' end
      -- Of dollars the longest answer is reserved: the next request counts nothing yet. `held_back` of pacing.py.
      if gate.paced and held > 0 and held + (gate.metric == 'usd' and 0 or needed) > gate.paced then return 'paced' end
      if held >= gate.soft then soft = true end
    end
  end
  return soft and 'soft_limited' or 'available'
end

-- The meters of a candidate that count anything, with their pages and limits.
local function metered_of(candidate)
  local metered = {}
  for _, meter in ipairs(candidate.meters) do
    local page = read_page(meter.scope)
    if page or meter.of_class or #meter.limits > 0 then
      page = page or new_page()
      metered[#metered + 1] = { meter = meter, page = page, gates = limits_in_force(meter, page) }
    end
  end
  return metered
end

local function take(option)
  local amount, held = option.amount, {}
  local lease = {
    amount = { amount.requests, amount.tokens, amount.usd, amount.input, amount.output }, scopes = {}, probes = option.probes
  }
  for _, each in ipairs(option.metered) do
    lease.scopes[#lease.scopes + 1] = { each.meter.scope, expiry_marks[each.meter.day], each.meter.part }
    held[#held + 1] = each.meter.scope
  end
  open_lease(lease_id, lease, expires_at)
  for _, scope in ipairs(option.probes) do
    local cooldown = read_cooldown(scope)
    if cooldown then set_probe(scope, cooldown, lease_id, now + PROBE_HOLDS) end
  end
  return held
end

for _, id in ipairs(redis.call('ZRANGEBYSCORE', key('expiries'), '-inf', now)) do
  local dead = pop_lease(id)
  if dead then close_lease(id, dead, amount_of(dead.amount)) end
end

local taken, spare
local statuses = {}
local complete = last == 1
local index = 0
for place = 4, #ARGV, 2 do
  index = index + 1
  local candidate = cjson.decode(ARGV[place])
  if spare and candidate.tier == 'paid' and spare.tier == 'free' then
    complete = true
    break
  end
  local status, probes = blocked_by_cooldown(candidate)
  if not status then
    local raw = ARGV[place + 1]
    local requests, tokens, usd, dearest, ends = struct.unpack('<dddd', raw)
    local metered, needed = metered_of(candidate), { requests = requests, tokens = tokens, usd = usd }
    if ends <= #raw then needed.input, needed.output = struct.unpack('<dd', raw, ends) end
    local amount = fitted(needed, dearest, metered)
    status = standing(amount, metered)
    local option = { index = index, tier = candidate.tier, amount = amount, metered = metered, probes = probes }
    if status == 'available' then
      taken = option
      break
    elseif status == 'soft_limited' then
      spare = spare or option
    end
  end
  statuses[index] = status
end
if complete and not taken then taken = spare end
if taken then
  local amount = taken.amount
  local usd, held = struct.pack('<d', amount.usd), take(taken)
  return { taken.index, 0, amount.tokens, taken.probes, held, statuses, usd, amount.input, amount.output }
end
return { 0, spare and spare.index or 0, 0, {}, {}, statuses, struct.pack('<d', 0) }
