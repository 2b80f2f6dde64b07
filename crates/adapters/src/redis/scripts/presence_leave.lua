-- Has sessions go. Serves clause 4 of PresenceStore.
--
-- KEYS[1]  the index (see presence_enter.lua)
-- ARGV     of each stay: workspace:subject, session
--
-- Pre:  anything.
-- Post: none of the sessions is at its place.
-- Run twice: the same.
for at = 1, #ARGV, 2 do
  local place, session = ARGV[at], ARGV[at + 1]
  redis.call('ZREM', KEYS[1], place .. session)
  redis.call('ZREM', KEYS[1] .. ':since:' .. place, session)
  redis.call('HDEL', KEYS[1] .. ':actor:' .. place, session)
end
