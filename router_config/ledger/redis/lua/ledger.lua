-- What every step needs: pages of counts, slots, cooldowns and leases. Put before the text of each script, and after the
-- constants of the rules (scripts.py). No number of the rules is written in Lua.
--
-- All keys share the hash tag of KEYS[1], so that they live on one node of a cluster; the other keys are derived from it.
-- Numbers are stored as doubles (struct), since Lua writes only 14 digits. Only Python knows windows and timezones: a
-- moment arrives here as a mark {minute slot, when that leaves, day slot, when that leaves}.
-- `day` is the long window of a meter, whatever its length: these names are older than weeks and months.

local prefix = KEYS[1]
local now -- Epoch seconds; every script sets it first.
local pages = {} -- Pages read by this script, by scope; false where there is none.

local function key(...)
  return prefix .. ':' .. table.concat({ ... }, ':')
end

local function plus(a, b)
  return { requests = a.requests + b.requests, tokens = a.tokens + b.tokens, usd = a.usd + b.usd }
end

-- Never below zero, so that a lost settlement cannot make room out of nothing.
local function minus(a, b)
  return {
    requests = math.max(0, a.requests - b.requests),
    tokens = math.max(0, a.tokens - b.tokens),
    usd = math.max(0, a.usd - b.usd),
  }
end

-- Input and output tokens stand after what all limits count, where they are known apart.
local function amount_of(numbers)
  return { requests = numbers[1], tokens = numbers[2], usd = numbers[3], input = numbers[4], output = numbers[5] }
end

-- What a meter counts of an amount: all tokens, or those of a part. `counted` of meters.py.
local function counted(amount, part)
  if not part then return amount end
  if not amount[part] then return amount end
  return { requests = amount.requests, tokens = amount[part], usd = 0 }
end

local function nothing()
  return { requests = 0, tokens = 0, usd = 0 }
end

local NOTHING = nothing()

-- Pages: open leases, both windows' totals, when their oldest slot leaves, and what the provider said of each limit.

local function unpack_page(raw)
  local page = { open = {}, minute = {}, day = {}, none = NOTHING, observed = {} }
  local open, minute, day, at = page.open, page.minute, page.day, nil
  open.requests, open.tokens, open.usd, minute.requests, minute.tokens, minute.usd, page.minute_leaves,
    day.requests, day.tokens, day.usd, page.day_leaves, at = struct.unpack('<ddddddddddd', raw)
  while at <= #raw do
    local observed = {}
    observed.number, observed.limit, observed.extra, observed.asked_at, observed.observed_at, observed.until_, observed.refills, at =
      struct.unpack('<ddddddd', raw, at)
    observed.refills = observed.refills == 1
    page.observed[#page.observed + 1] = observed
  end
  return page
end

local function new_page()
  return {
    open = nothing(), minute = nothing(), day = nothing(), none = NOTHING, observed = {}, minute_leaves = math.huge, day_leaves = math.huge,
  }
end

local function save_page(scope, page)
  pages[scope] = page
  local open, minute, day = page.open, page.minute, page.day
  local parts = {
    struct.pack('<ddddddddddd', open.requests, open.tokens, open.usd, minute.requests, minute.tokens, minute.usd,
      page.minute_leaves, day.requests, day.tokens, day.usd, page.day_leaves),
  }
  for _, observed in ipairs(page.observed) do
    parts[#parts + 1] = struct.pack('<ddddddd', observed.number, observed.limit, observed.extra, observed.asked_at, observed.observed_at,
      observed.until_, observed.refills and 1 or 0)
  end
  redis.call('SET', key('meter', scope), table.concat(parts), 'EX', COUNTS_LAST)
end

-- Slots of a window: a hash of amounts, and a sorted set that knows which leaves first.

local function unpack_amount(raw)
  local requests, tokens, usd = struct.unpack('<ddd', raw)
  return { requests = requests, tokens = tokens, usd = usd }
end

-- A key was evicted. Whoever signs in next finds the store without its name, and has the counts restored.
local function lost_counts()
  redis.call('DEL', key('name'))
end

local function forget(scope, page, period)
  local order, slots = key('order', period, scope), key('slots', period, scope)
  local total = page[period]
  if now - page[period .. '_leaves'] < LENGTHS.day and redis.call('EXISTS', order) == 0 then
    lost_counts()
    return
  end
  for _, slot in ipairs(redis.call('ZRANGEBYSCORE', order, '-inf', now)) do
    local raw = redis.call('HGET', slots, slot)
    if raw then total = minus(total, unpack_amount(raw)) end
    redis.call('HDEL', slots, slot)
  end
  redis.call('ZREMRANGEBYSCORE', order, '-inf', now)
  local oldest = redis.call('ZRANGE', order, 0, 0, 'WITHSCORES')
  page[period .. '_leaves'] = oldest[2] and tonumber(oldest[2]) or math.huge
  page[period] = oldest[2] and total or nothing()
end

local function add(scope, page, period, slot, leaves, amount)
  local order, slots = key('order', period, scope), key('slots', period, scope)
  local raw = redis.call('HGET', slots, slot)
  local sum = raw and plus(unpack_amount(raw), amount) or amount
  redis.call('HSET', slots, slot, struct.pack('<ddd', sum.requests, sum.tokens, sum.usd))
  if not raw then
    redis.call('ZADD', order, leaves, slot)
    redis.call('EXPIRE', order, COUNTS_LAST)
    redis.call('EXPIRE', slots, COUNTS_LAST)
  end
  page[period] = plus(page[period], amount)
  page[period .. '_leaves'] = math.min(page[period .. '_leaves'], leaves)
end

-- The page of a scope with what left its windows forgotten; nil where nothing was ever counted.
local function read_page(scope)
  local page = pages[scope]
  if page == nil then
    local raw = redis.call('GET', key('meter', scope))
    page = raw and unpack_page(raw) or false
    pages[scope] = page
    if page then
      local stale = false
      if page.minute_leaves <= now then forget(scope, page, 'minute'); stale = true end
      if page.day_leaves <= now then forget(scope, page, 'day'); stale = true end
      if stale then save_page(scope, page) end
    end
  end
  return page or nil
end

local function page_to_change(scope)
  local page = read_page(scope)
  if page then return page end
  if redis.call('EXISTS', key('order', 'minute', scope), key('order', 'day', scope)) > 0 then lost_counts() end
  return new_page()
end

-- Requests count from when they arrived, tokens and dollars from when the answer ended; what already left is not counted.
local function count(scope, page, spent, arrived, ended)
  local parts = {
    { arrived, { requests = spent.requests, tokens = 0, usd = 0 } },
    { ended, { requests = 0, tokens = spent.tokens, usd = spent.usd } },
  }
  for _, part in ipairs(parts) do
    local mark, amount = part[1], part[2]
    if amount.requests ~= 0 or amount.tokens ~= 0 or amount.usd ~= 0 then
      if mark[2] > now then add(scope, page, 'minute', mark[1], mark[2], amount) end
      if mark[4] > now then add(scope, page, 'day', mark[3], mark[4], amount) end
    end
  end
end

-- What others used beyond our own count: ObservedLimit.extra_at of meters.py.
local function extra_at(observed)
  if now >= observed.until_ then return 0 end
  if observed.refills and now > observed.observed_at then
    return observed.extra * (observed.until_ - now) / (observed.until_ - observed.observed_at)
  end
  return observed.extra
end

-- Cooldowns. Python packs new ones itself (forms.py).

local function unpack_cooldown(raw)
  local cooldown = {}
  cooldown.since, cooldown.until_, cooldown.probe_until, cooldown.probes, cooldown.status, cooldown.probe, cooldown.reason =
    struct.unpack('<dddBsss', raw)
  if cooldown.until_ == math.huge then -- As an earlier version wrote it: with_end of schedule.py.
    local last = #PAUSES.disabled
    cooldown.until_, cooldown.probes = cooldown.since + PAUSES.disabled[last], last
  end
  return cooldown
end

local function pack_cooldown(cooldown)
  return struct.pack('<dddBsss', cooldown.since, cooldown.until_, cooldown.probe_until, cooldown.probes, cooldown.status,
    cooldown.probe, cooldown.reason)
end

local function read_cooldown(scope)
  local raw = redis.call('HGET', key('rests'), scope)
  return raw and unpack_cooldown(raw) or nil
end

local function holds(cooldown)
  return now < cooldown.until_ or (cooldown.probe ~= '' and now < cooldown.probe_until)
end

-- Kept beside them, so that it is noticed when they are evicted.
local function count_rests()
  redis.call('SET', key('resting'), redis.call('HLEN', key('rests')), 'EX', LEASES_LAST)
end

local function put_cooldown(scope, raw)
  local all = redis.call('HGETALL', key('rests'))
  for i = 1, #all, 2 do
    local cooldown = unpack_cooldown(all[i + 1])
    if now >= cooldown.until_ and cooldown.probes == 0 then redis.call('HDEL', key('rests'), all[i]) end
  end
  redis.call('HSET', key('rests'), scope, raw)
  count_rests()
end

local function set_probe(scope, cooldown, probe, probe_until)
  cooldown.probe, cooldown.probe_until = probe, probe_until
  redis.call('HSET', key('rests'), scope, pack_cooldown(cooldown))
end

-- What a scope's cooldown is after `new`; nil: the old one holds for longer. `following` of schedule.py.
local function following(old, new)
  local held, pauses = old and holds(old), PAUSES[new.status]
  if held and old.until_ > new.until_ then return nil end
  if not old or new.status ~= old.status or new.probes == 0 or old.probes == 0 or not pauses then return new end
  new.since = old.since
  if held then
    new.probes = math.max(old.probes, new.probes)
  else
    new.probes = math.max(new.probes, math.min(old.probes + 1, #pauses))
    new.until_ = math.max(new.until_, now + pauses[math.min(new.probes, #pauses)])
  end
  return new
end

-- Decisions and events, newest first. Python packs them (decisions.py, forms.py). A decision's second line, which
-- earlier versions know nothing of, stands in a ring apart.

local function record(text)
  local decision, later = text:match('^([^\n]*)\n?(.*)$')
  local number = redis.call('INCR', key('decided'))
  local newest = number == 1 and redis.call('LINDEX', key('decisions'), 0)
  if newest then -- The number alone was evicted.
    number = struct.unpack('<d', newest) + 1
    redis.call('SET', key('decided'), number)
  end
  redis.call('LPUSH', key('decisions'), struct.pack('<d', number) .. decision)
  redis.call('LTRIM', key('decisions'), 0, DECISIONS_KEPT - 1)
  if later ~= '' then
    redis.call('HSET', key('decisions_later'), number % DECISIONS_KEPT, struct.pack('<d', number) .. later)
    redis.call('EXPIRE', key('decisions_later'), HISTORY_LASTS)
  end
  redis.call('EXPIRE', key('decided'), HISTORY_LASTS)
  redis.call('EXPIRE', key('decisions'), HISTORY_LASTS)
end

local function put_event(event)
  redis.call('LPUSH', key('events'), event)
  redis.call('LTRIM', key('events'), 0, EVENTS_KEPT - 1)
  redis.call('EXPIRE', key('events'), HISTORY_LASTS)
end

local function count_on(counted, times)
  redis.call('HINCRBY', key('counted_total'), counted, times)
  redis.call('EXPIRE', key('counted_total'), TOTALS_LAST)
end

-- A new cooldown replaces an old one, but never shortens it while it holds. It is noted where its provider is known.
local function begin_cooldown(scope, raw, provider, counted)
  local cooldown, old = unpack_cooldown(raw), read_cooldown(scope)
  local began = not (old and holds(old) and old.status == cooldown.status)
  local since, after = cooldown.since, following(old, cooldown)
  if after then put_cooldown(scope, pack_cooldown(after)) end
  if began and provider then
    if cooldown.status == 'cooldown' then count_on(counted, 1) end
    if COOLDOWN_EVENTS[cooldown.status] then
      put_event(struct.pack('<ddsss', since, cooldown.until_, cooldown.status, provider, cooldown.reason))
    end
  end
end

-- Keep an event unless the same was kept of the same provider not long ago.
local function put_news(event)
  local at, _, kind, provider, reason = struct.unpack('<ddsss', event)
  for _, raw in ipairs(redis.call('LRANGE', key('events'), 0, -1)) do
    local kept_at, _, kept_kind, kept_provider, kept_reason = struct.unpack('<ddsss', raw)
    local same = kept_kind == kind and kept_provider == provider and (not TOLD_APART[kind] or kept_reason == reason)
    if same and kept_at > at - (REPEATED_AFTER[kind] or 0) then return end
  end
  put_event(event)
end

-- Leases: {amount = {requests, tokens, usd, input, output}, scopes = {{scope, mark of expiry, part}}, probes = {scope}};
-- input, output and part only where they are counted apart.

local function put_lease(id, lease, expires_at)
  redis.call('HSET', key('leases'), id, cmsgpack.pack(lease))
  redis.call('ZADD', key('expiries'), expires_at, id)
  redis.call('EXPIRE', key('leases'), LEASES_LAST)
  redis.call('EXPIRE', key('expiries'), LEASES_LAST)
end

local function pop_lease(id)
  local raw = redis.call('HGET', key('leases'), id)
  redis.call('ZREM', key('expiries'), id)
  redis.call('HDEL', key('leases'), id)
  return raw and cmsgpack.unpack(raw) or nil
end

-- Take room for a lease in all its meters.
local function open_lease(id, lease, expires_at)
  local amount = amount_of(lease.amount)
  for _, held in ipairs(lease.scopes) do
    local scope = held[1]
    local page = page_to_change(scope)
    page.open = plus(page.open, counted(amount, held[3]))
    save_page(scope, page)
  end
  put_lease(id, lease, expires_at)
end

-- Give the room back, and count what was spent (nil: nothing). `marks` are by scope {when it arrived, when it ended};
-- without them, as for a lease that expired, both are its expiry. `alive` is nil where nobody can tell. Returns the
-- cooldowns that ended because their probe succeeded, also when a later one had taken its place.
local function close_lease(id, lease, spent, marks, alive, taken_at)
  local amount = amount_of(lease.amount)
  for _, held in ipairs(lease.scopes) do
    local scope, expiry, part = held[1], held[2], held[3]
    local page = page_to_change(scope)
    page.open = minus(page.open, counted(amount, part))
    if spent then
      local mark = marks and marks[scope] or { expiry, expiry }
      count(scope, page, counted(spent, part), mark[1], mark[2])
    end
    save_page(scope, page)
  end
  local ended = {}
  for _, scope in ipairs(lease.probes) do
    local cooldown = read_cooldown(scope)
    if cooldown and alive and cooldown.since <= taken_at then
      redis.call('HDEL', key('rests'), scope)
      count_rests()
      ended[#ended + 1] = cooldown
    elseif cooldown and cooldown.probe == id then
      set_probe(scope, cooldown, '', 0)
    end
  end
  return ended
end
