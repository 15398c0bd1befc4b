-- Count a process among those that use the store, and say how many do. A store that lost one key of what it counts is
-- emptied of all of it, and gets another name: so every process notices, and gives it what it last read. A key of the
-- journal that is lost cannot be given back: an event says so.
--
-- KEYS[1] prefix
-- ARGV[1] packed: now, seconds for which a process counts that does not sign in again
-- ARGV[2] name of the process
-- ARGV[3] a name for the store, should it be new
-- ARGV[4] a name for it, should it have lost its counts alone
-- ARGV[5] JSON: scopes that the process counts in, seen (those of them that had a page when it last signed in), of
--   (the name of the store then)
--
-- Returns {processes, name of the store, scopes that have a page, how many of the processes had signed in before}.

local lasts
now, lasts = struct.unpack('<dd', ARGV[1])
local step = cjson.decode(ARGV[5])

-- A window's two keys hold the same slots, and its page knows whether there are any. What nobody read for days expires.
local function window_whole(scope, period, page)
  local slots = redis.call('ZCARD', key('order', period, scope))
  if slots ~= redis.call('HLEN', key('slots', period, scope)) then return false end
  local leaves = page and page[period .. '_leaves'] or math.huge
  if slots > 0 then return leaves ~= math.huge end
  return leaves == math.huge or now - leaves >= LENGTHS.day
end

local function whole(with_page)
  if redis.call('EXISTS', key('name')) == 0 then return false end
  if redis.call('HLEN', key('leases')) ~= redis.call('ZCARD', key('expiries')) then return false end
  local resting = tonumber(redis.call('GET', key('resting')) or 0)
  if resting > 0 and redis.call('EXISTS', key('rests')) == 0 then return false end
  for _, scope in ipairs(step.scopes) do
    local raw = redis.call('GET', key('meter', scope))
    local page = raw and unpack_page(raw)
    if not (window_whole(scope, 'minute', page) and window_whole(scope, 'day', page)) then return false end
    if page and redis.call('TTL', key('meter', scope)) > LENGTHS.day then with_page[#with_page + 1] = scope end
  end
  -- Another process has noticed the loss already, and may be giving back what it knew at this moment.
  if step.of and step.of ~= redis.call('GET', key('name')) then return true end
  for _, scope in ipairs(step.seen) do
    if redis.call('EXISTS', key('meter', scope)) == 0 then return false end
  end
  return true
end

local new = redis.call('EXISTS', key('name'), key('scopes')) == 0
for _, scope in ipairs(step.scopes) do redis.call('SADD', key('scopes'), scope) end
local with_page = {}
if new then
  redis.call('SET', key('name'), ARGV[3])
elseif not whole(with_page) then
  with_page = {}
  for _, scope in ipairs(redis.call('SMEMBERS', key('scopes'))) do
    redis.call('DEL', key('meter', scope), key('order', 'minute', scope), key('slots', 'minute', scope),
      key('order', 'day', scope), key('slots', 'day', scope))
  end
  redis.call('DEL', key('leases'), key('expiries'), key('rests'))
  local journal = redis.call('EXISTS', key('attempt_total'), key('decided'))
  redis.call('SET', key('name'), journal > 0 and ARGV[4] or ARGV[3])
end

local LOST = { attempt_total = 'totals', counted_total = 'totals', decisions = 'decisions', events = 'events' }

-- What of the journal only grows, by key. What nobody writes to is left out a day before it expires.
local function journal()
  local sizes, keys = {}, { 'attempt_total', 'counted_total', 'decisions', 'events' }
  for _, provider in ipairs(redis.call('SMEMBERS', key('providers'))) do keys[#keys + 1] = 'minutes:' .. provider end
  for _, name in ipairs(keys) do
    local lasts, size = redis.call('TTL', key(name)), 0
    if lasts > LENGTHS.day then
      if LOST[name] == name then size = redis.call('LLEN', key(name))
      elseif name == 'attempt_total' then
        for _, raw in ipairs(redis.call('HVALS', key(name))) do size = size + struct.unpack('<d', raw) end
      elseif name == 'counted_total' then
        for _, times in ipairs(redis.call('HVALS', key(name))) do size = size + tonumber(times) end
      else size = redis.call('HLEN', key(name)) end
      sizes[name] = size
    elseif lasts == -2 then
      sizes[name] = 0
    end
  end
  return sizes
end

local sizes, former, lost = journal(), redis.call('GET', key('journal')), {}
for name, size in pairs(former and cjson.decode(former) or {}) do
  if sizes[name] and sizes[name] < size then lost[LOST[name] or 'history'] = true end
end
local parts = {}
for part in pairs(lost) do parts[#parts + 1] = part end
if #parts > 0 then
  table.sort(parts)
  local reason = 'the redis store lost its ' .. table.concat(parts, ', ') .. '; they begin anew'
  put_news(struct.pack('<ddsss', now, now, 'state_lost', 'state', reason))
end
redis.call('SET', key('journal'), cjson.encode(sizes), 'EX', LENGTHS.day)

redis.call('EXPIRE', key('scopes'), LEASES_LAST)
redis.call('SET', key('resting'), redis.call('HLEN', key('rests')), 'EX', LEASES_LAST)
redis.call('ZADD', key('processes'), now, ARGV[2])
redis.call('ZREMRANGEBYSCORE', key('processes'), '-inf', now - lasts)
redis.call('ZADD', key('joined'), 'NX', now, ARGV[2])
for _, name in ipairs(redis.call('ZRANGE', key('joined'), 0, -1)) do
  if not redis.call('ZSCORE', key('processes'), name) then redis.call('ZREM', key('joined'), name) end
end
local rank = redis.call('ZRANK', key('joined'), ARGV[2])
return { redis.call('ZCARD', key('processes')), redis.call('GET', key('name')), with_page, rank }
