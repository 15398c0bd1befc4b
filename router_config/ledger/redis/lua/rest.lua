-- Leave a scope alone.
--
-- KEYS[1] prefix
-- ARGV[1] packed now, ARGV[2] scope, ARGV[3] the rest, packed

now = struct.unpack('<d', ARGV[1])
put_rest(ARGV[2], ARGV[3])
