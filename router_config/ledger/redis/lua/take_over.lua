-- Give scopes their new name where nothing stands under it yet.
--
-- KEYS[1] prefix
-- ARGV[1] JSON: {{other name, name now}}

local found, any = {}, false
for _, names in ipairs(cjson.decode(ARGV[1])) do
  local old, new = names[1], names[2]
  if redis.call('EXISTS', key('meter', old)) == 1 and redis.call('EXISTS', key('meter', new)) == 0 then
    redis.call('RENAME', key('meter', old), key('meter', new))
    for _, period in ipairs({ 'minute', 'day' }) do
      for _, kind in ipairs({ 'order', 'slots' }) do
        redis.call('DEL', key(kind, period, new))
        if redis.call('EXISTS', key(kind, period, old)) == 1 then
          redis.call('RENAME', key(kind, period, old), key(kind, period, new))
        end
      end
    end
    found[old], any = new, true
  end
  local rest = redis.call('HGET', key('rests'), old)
  if rest and redis.call('HSETNX', key('rests'), new, rest) == 1 then
    redis.call('HDEL', key('rests'), old)
    found[old], any = new, true
  end
end

if any then
  local leases = redis.call('HGETALL', key('leases'))
  for i = 1, #leases, 2 do
    local lease, changed = cmsgpack.unpack(leases[i + 1]), false
    for _, held in ipairs(lease.scopes) do
      if found[held[1]] then held[1], changed = found[held[1]], true end
    end
    for index, scope in ipairs(lease.probes) do
      if found[scope] then lease.probes[index], changed = found[scope], true end
    end
    if changed then redis.call('HSET', key('leases'), leases[i], cmsgpack.pack(lease)) end
  end
end
