-- Close a lease with what was really spent, and note what the attempt taught: rests, reports, history.
--
-- KEYS[1] prefix
-- ARGV[1] JSON: now, lease (its id), asked_at, spent [requests, tokens, usd] or absent, alive or absent, marks by scope
--   {when it arrived, when it ended}, rests (their scopes), reports, outcome or absent
-- ARGV[2] packed last error, or empty
-- ARGV[3...] the rests, packed

local step = cjson.decode(ARGV[1])
now = step.now

local lease = pop_lease(step.lease)
if lease then
  close_lease(step.lease, lease, step.spent and amount_of(step.spent), step.marks, step.alive)
end

-- A new rest replaces an old one, but never shortens it while it holds.
for index, scope in ipairs(step.rests) do
  local raw = ARGV[2 + index]
  local old = read_rest(scope)
  if not (old and old.until_ > unpack_rest(raw).until_ and holds(old)) then put_rest(scope, raw) end
end

-- The limit that the provider reports, and how much of it others than we have used: `_hear` of local.py.
local function hear(report)
  local page = read_page(report.scope) or new_page()
  local kind, old = LIMITS[report.number + 1], nil
  for _, seen in ipairs(page.seen) do
    if seen.number == report.number then old = seen end
  end
  local late = old ~= nil and step.asked_at < old.asked_at
  local extra = 0
  if report.remaining then
    local before = open_before(report.scope, late and '+inf' or step.asked_at)
    extra = math.max(0, report.in_force - report.remaining - page[kind.period][kind.metric] - before[kind.metric])
  end
  -- A later request's answer came first: this one never makes more room.
  if late and extra <= extra_at(old) then return end
  local seen = old or {}
  seen.number, seen.limit, seen.extra, seen.heard_at, seen.refills = report.number, report.limit, extra, now, report.refills
  seen.asked_at = math.max(step.asked_at, old and old.asked_at or step.asked_at)
  seen.until_ = report.refills and report.limit > 0 and now + extra * report.window / report.limit or now + report.lasts
  if not old then page.seen[#page.seen + 1] = seen end
  save_page(report.scope, page)
end

for _, report in ipairs(step.reports) do hear(report) end

local outcome = step.outcome
if outcome then
  local history = key('history', outcome.of)
  local raw = redis.call('HGET', history, outcome.slot)
  local requests, tokens, usd, errors = 0, 0, 0, 0
  if raw then
    requests, tokens, usd, errors = struct.unpack('<dddd', raw)
  else
    for _, slot in ipairs(redis.call('HKEYS', history)) do
      if tonumber(slot) <= outcome.slot - outcome.slots_kept then redis.call('HDEL', history, slot) end
    end
  end
  local spent = step.spent or { 0, 0, 0 }
  redis.call('HSET', history, outcome.slot, struct.pack('<dddd', requests + spent[1], tokens + spent[2],
    usd + spent[3], errors + (outcome.milliseconds and 0 or 1)))
  redis.call('EXPIRE', history, HISTORY_LASTS)
  redis.call('SADD', key('models'), outcome.of)
  if outcome.milliseconds then
    local latencies = key('latencies', outcome.of)
    local all = (redis.call('GET', latencies) or '') .. struct.pack('<I4', outcome.milliseconds)
    redis.call('SET', latencies, all:sub(-4 * outcome.latencies_kept), 'EX', HISTORY_LASTS)
  else
    redis.call('HSET', key('last_errors'), outcome.provider, ARGV[2])
    redis.call('EXPIRE', key('last_errors'), HISTORY_LASTS)
  end
end
