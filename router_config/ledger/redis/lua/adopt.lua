-- Open a lease that was granted elsewhere; one that is open already stays as it is.
--
-- KEYS[1] prefix
-- ARGV[1] packed: now, when the lease expires
-- ARGV[2] id of the lease
-- ARGV[3] JSON: the lease, as ledger.lua keeps it

local expires_at
now, expires_at = struct.unpack('<dd', ARGV[1])
if redis.call('HEXISTS', key('leases'), ARGV[2]) == 0 then open_lease(ARGV[2], cjson.decode(ARGV[3]), expires_at) end
