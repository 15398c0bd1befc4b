-- Send no requests to a scope for a while.
--
-- KEYS[1] prefix
-- ARGV[1] packed now, ARGV[2] scope, ARGV[3] the cooldown, packed
-- ARGV[4] the provider that failed, ARGV[5] what is counted; without them whatever the scope has is replaced

now = struct.unpack('<d', ARGV[1])
if ARGV[4] then
  begin_cooldown(ARGV[2], ARGV[3], ARGV[4], ARGV[5])
else
  put_cooldown(ARGV[2], ARGV[3])
end
