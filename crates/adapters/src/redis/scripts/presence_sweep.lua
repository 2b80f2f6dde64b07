-- Removes stays that are over. Serves clause 8 of PresenceStore.
--
-- KEYS[1]  the index (see presence_enter.lua); it names the other keys, which have the same hash tag
-- ARGV     now (microseconds), the most to remove
--
-- Pre:  anything.
-- Post: up to so many stays that are over by `now` are absent, the oldest first; the answer is how many.
-- Run twice: more of them may be removed.
local SESSION = 16
local over = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
for _, stay in ipairs(over) do
  local place, session = stay:sub(1, -SESSION - 1), stay:sub(-SESSION)
  redis.call('ZREM', KEYS[1], stay)
  redis.call('ZREM', KEYS[1] .. ':since:' .. place, session)
  redis.call('HDEL', KEYS[1] .. ':actor:' .. place, session)
end
return #over
