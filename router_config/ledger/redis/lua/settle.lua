-- Close a lease with what was really spent, and keep what the attempt showed: cooldowns, reports, history.
--
-- KEYS[1] prefix
-- ARGV[1] JSON: now, lease (its id), asked_at, spent [requests, tokens, usd, and input, output where they are counted apart]
--   or absent, alive or absent, marks by scope {when it arrived, when it ended}, cooldowns (their scopes), reports, outcome or absent, counted {{what, times}} or absent,
--   affinity {conversation, text, seconds for which it holds} or absent
-- ARGV[2] packed last error, or empty
-- ARGV[3] the decision, or empty
-- ARGV[4...] the cooldowns, packed, and then the events, packed
--
-- Returns {name of the store, whether the lease was open}; without the name where the store is about to be emptied, and
-- an empty one where nobody has signed in to it yet.

local step = cjson.decode(ARGV[1])
now = step.now

local lease = pop_lease(step.lease)
if lease then
  local ended = close_lease(step.lease, lease, step.spent and amount_of(step.spent), step.marks, step.alive, step.asked_at)
  for _, cooldown in ipairs(ended) do
    if step.outcome and RECOVERY_EVENTS[cooldown.status] then
      put_event(struct.pack('<ddsss', now, now, 'recovered', step.outcome.provider, RECOVERED .. cooldown.reason))
    end
  end
end

for index, scope in ipairs(step.cooldowns) do
  begin_cooldown(scope, ARGV[3 + index], step.outcome and step.outcome.provider, step.outcome and step.outcome.cooldown)
end

for _, counted in ipairs(step.counted or {}) do count_on(counted[1], counted[2]) end

-- The limit that the provider reports, and how much of it others than we have used: observed_after of reported_limits.py.
local function observe(report)
  local page = page_to_change(report.scope)
  local kind, place = LIMITS[report.number + 1], #page.observed + 1
  for index, observed in ipairs(page.observed) do
    if observed.number == report.number then place = index end
  end
  local old, extra, lasts = page.observed[place], 0, report.lasts
  if report.remaining then
    local ours = report.counted and page[kind.period][kind.metric] + page.open[kind.metric] or 0
    extra = math.max(0, report.in_force - report.remaining - ours)
  end
  if report.refills and report.limit > 0 then lasts = extra * LENGTHS[kind.unit] / report.limit end
  local observed = {
    number = report.number, limit = report.limit, extra = extra, asked_at = step.asked_at, observed_at = now,
    until_ = now + lasts, refills = report.refills,
  }
  if old then
    local alone = step.asked_at >= old.observed_at and (page.open.requests == 0 or not report.counted)
    if not alone and extra < extra_at(old) then
      observed.extra, observed.until_, observed.refills = extra_at(old), old.until_, old.refills
    end
    if step.asked_at < old.asked_at then observed.limit, observed.asked_at = old.limit, old.asked_at end
  end
  page.observed[place] = observed
  save_page(report.scope, page)
end

for _, report in ipairs(step.reports) do observe(report) end

if ARGV[3] ~= '' then record(ARGV[3]) end
for index = 4 + #step.cooldowns, #ARGV do put_news(ARGV[index]) end

-- Usage of one minute, in a ring whose next round overwrites it.
local function count_minute(outcome, spent)
  local minutes = key('minutes', outcome.provider)
  local place = outcome.minute % MINUTES_KEPT
  local raw = redis.call('HGET', minutes, place)
  local slot, requests, tokens, usd, errors = outcome.minute, 0, 0, 0, 0
  if raw then slot, requests, tokens, usd, errors = struct.unpack('<ddddd', raw) end
  if slot > outcome.minute then return end -- It comes so late that the ring has gone round.
  if slot < outcome.minute then requests, tokens, usd, errors = 0, 0, 0, 0 end
  redis.call('HSET', minutes, place, struct.pack('<ddddd', outcome.minute, requests + spent[1], tokens + spent[2],
    usd + spent[3], errors + (outcome.milliseconds and 0 or 1)))
  redis.call('EXPIRE', minutes, HISTORY_LASTS)
end

-- Add a slot that is about to be dropped to its hour.
local function add_to_hour(provider, slot, raw, present)
  local hours, hour = key('hours', provider), math.floor(slot / HOUR_SLOTS)
  local former, requests, tokens, usd, errors = redis.call('HGET', hours, hour), struct.unpack('<dddd', raw)
  if former then
    local r, t, u, e = struct.unpack('<dddd', former)
    requests, tokens, usd, errors = requests + r, tokens + t, usd + u, errors + e
  else
    for _, number in ipairs(redis.call('HKEYS', hours)) do
      if tonumber(number) <= math.floor(present / HOUR_SLOTS) - HOURS_KEPT then redis.call('HDEL', hours, number) end
    end
  end
  redis.call('HSET', hours, hour, struct.pack('<dddd', requests, tokens, usd, errors))
  redis.call('EXPIRE', hours, HOURS_LAST)
end

if step.affinity then
  redis.call('SET', key('affinity', step.affinity[1]), step.affinity[2], 'EX', step.affinity[3])
end

-- Tokens of prompts as the provider told them, and how many of them it had in its cache, by slot.
local function count_prompt(outcome)
  local prompts, prompt, cached = key('prompts', outcome.provider), 0, 0
  local raw = redis.call('HGET', prompts, outcome.slot)
  if raw then
    prompt, cached = struct.unpack('<dd', raw)
  else
    for _, slot in ipairs(redis.call('HKEYS', prompts)) do
      if tonumber(slot) <= outcome.slot - SLOTS_KEPT then redis.call('HDEL', prompts, slot) end
    end
  end
  redis.call('HSET', prompts, outcome.slot, struct.pack('<dd', prompt + outcome.prompt, cached + outcome.cached))
  redis.call('EXPIRE', prompts, HISTORY_LASTS)
end

local outcome = step.outcome
if outcome then
  if outcome.prompt then count_prompt(outcome) end
  count_minute(outcome, step.spent or { 0, 0, 0 })
  local spent = step.spent or { 0, 0, 0 }
  local usage = key('usage', outcome.provider)
  local raw = redis.call('HGET', usage, outcome.slot)
  local requests, tokens, usd, errors = 0, 0, 0, 0
  if raw then
    requests, tokens, usd, errors = struct.unpack('<dddd', raw)
  else
    for _, slot in ipairs(redis.call('HKEYS', usage)) do
      if tonumber(slot) <= outcome.slot - SLOTS_KEPT then
        add_to_hour(outcome.provider, slot, redis.call('HGET', usage, slot), outcome.slot)
        redis.call('HDEL', usage, slot)
      end
    end
  end
  redis.call('HSET', usage, outcome.slot, struct.pack('<dddd', requests + spent[1], tokens + spent[2],
    usd + spent[3], errors + (outcome.milliseconds and 0 or 1)))
  redis.call('EXPIRE', usage, HOURS_LAST) -- Who asks nobody for a fortnight has its hours all the same.
  redis.call('SADD', key('providers'), outcome.provider)
  local so_far = redis.call('HGET', key('attempt_total'), outcome.ending)
  local attempts, tokens, dollars, seconds = 0, 0, 0, 0
  if so_far then attempts, tokens, dollars, seconds = struct.unpack('<dddd', so_far) end
  redis.call('HSET', key('attempt_total'), outcome.ending, struct.pack('<dddd', attempts + 1, tokens + spent[2],
    dollars + spent[3], seconds + outcome.seconds))
  redis.call('EXPIRE', key('attempt_total'), TOTALS_LAST)
  if outcome.milliseconds then
    local latencies = key('latencies', outcome.provider)
    local all = (redis.call('GET', latencies) or '') .. struct.pack('<I4', outcome.milliseconds)
    redis.call('SET', latencies, all:sub(-LATENCIES_BYTES), 'EX', HISTORY_LASTS)
  else
    redis.call('HSET', key('last_errors'), outcome.provider, ARGV[2])
    redis.call('EXPIRE', key('last_errors'), HISTORY_LASTS)
  end
end

local name = redis.call('GET', key('name'))
if not name and redis.call('EXISTS', key('scopes')) == 0 then name = '' end
return { name, lease and 1 or 0 }
