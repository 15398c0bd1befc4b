-- Send no requests to a scope for a while.
--
-- KEYS[1] prefix
-- ARGV[1] packed now, ARGV[2] scope, ARGV[3] the cooldown, packed

now = struct.unpack('<d', ARGV[1])
put_cooldown(ARGV[2], ARGV[3])
