-- Keep a decision that comes with no settlement, and its events.
--
-- KEYS[1] prefix
-- ARGV[1] the decision
-- ARGV[2...] its events, packed

record(ARGV[1])
for index = 2, #ARGV do put_news(ARGV[index]) end
