-- Keep a lease open longer.
--
-- KEYS[1] prefix
-- ARGV[1] id of the lease
-- ARGV[2] packed: when it expires now
-- ARGV[3] JSON: the mark of that moment by scope

local lease = pop_lease(ARGV[1])
if lease then
  local marks = cjson.decode(ARGV[3])
  for _, held in ipairs(lease.scopes) do held[2] = marks[held[1]] or held[2] end
  put_lease(ARGV[1], lease, (struct.unpack('<d', ARGV[2])))
end
