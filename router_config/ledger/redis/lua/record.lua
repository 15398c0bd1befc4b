-- Keep a decision that no settlement brought, and what it tells of providers.
--
-- KEYS[1] prefix
-- ARGV[1] the decision
-- ARGV[2...] its events, packed

record(ARGV[1])
for index = 2, #ARGV do tell(ARGV[index]) end
