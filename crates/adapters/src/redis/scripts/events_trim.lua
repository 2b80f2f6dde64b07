-- Forgets the oldest events. Serves clause 7 of EventBus. Follows log.lua.
--
-- ARGV[5]  a moment (microseconds), and ARGV[6] the most events to forget, 1,000 at most
--
-- Post: {epoch, trimmed, last, how many}. Up to so many events before the first that was made at the moment or later
--       are gone, with their ids.
-- Run twice: more of them may be forgotten.
local before, ids = tonumber(ARGV[5]), {}
for _, entry in ipairs(redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', ARGV[6])) do
  local event = entry[2][2]
  if struct.unpack('>i8', event, 18) >= before then
    break
  end
  ids[#ids + 1] = string.sub(event, 2, 17)
  trimmed = tonumber(string.match(entry[1], '^%d+'))
end
if #ids > 0 then
  redis.call('HDEL', KEYS[3], unpack(ids))
  redis.call('XTRIM', KEYS[2], 'MINID', id_of(trimmed + 1))
  redis.call('HSET', KEYS[1], 'trimmed', trimmed)
end
return {epoch, trimmed, last, #ids}
