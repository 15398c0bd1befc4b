-- Which deployment answers a conversation.
--
-- KEYS[1] prefix
-- ARGV[1] the conversation
--
-- Returns what settle.lua keeps, or nothing.

return redis.call('GET', key('affinity', ARGV[1]))
