-- The time by which all machines count: the server's. Where that is hours from the first machine's, its date is not
-- believed: then it is kept by how much, and all count by the first machine's time as the server goes on with it.
--
-- KEYS[1] prefix
-- ARGV[1] packed: the machine's own time, 1 if it has not asked before, how far ahead of the server it was told to be
--
-- Returns epoch seconds and how far ahead of the server that is, packed.

local own, fresh, known = struct.unpack('<ddd', ARGV[1])
local raw, time = redis.call('GET', key('ahead')), redis.call('TIME')
local server, ahead = tonumber(time[1]) + tonumber(time[2]) * MICROSECOND, raw and struct.unpack('<d', raw) or known

local function far(seconds)
  return math.abs(server + seconds - own) > SERVER_WRONG_BY
end

if fresh == 1 and far(ahead) then
  if not far(0) then
    ahead = 0 -- The server was set right since.
  elseif not raw then
    ahead = own - server
  end
end
if raw or ahead ~= 0 then redis.call('SET', key('ahead'), struct.pack('<d', ahead), 'EX', TOTALS_LAST) end
return struct.pack('<dd', server + ahead, ahead)
