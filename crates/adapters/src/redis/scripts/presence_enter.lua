-- Has sessions present. Serves clauses 1 and 3 of PresenceStore.
--
-- KEYS[1]  the index: a sorted set of stays by the moment at which each is over (microseconds). A stay is
--          workspace:subject and the 16 bytes of the session; its place has two keys more with the same hash tag:
--          since, a sorted set of sessions by the moment since which they watch, and actor, a hash of
--          'since actor' by session
-- ARGV     until (microseconds), milliseconds to keep, then of each stay: workspace:subject, session, since, actor
--
-- Pre:  anything.
-- Post: each session is at its place, as the last of its stays here says, until the later of its end before and `until`.
-- Run twice: the same.
local function keep(key)
  -- NX and GT together: a key without an expiry would count as one that never expires.
  redis.call('PEXPIRE', key, ARGV[2], 'NX')
  redis.call('PEXPIRE', key, ARGV[2], 'GT')
end
for at = 3, #ARGV, 4 do
  local place, session, since = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local order, actors = KEYS[1] .. ':since:' .. place, KEYS[1] .. ':actor:' .. place
  redis.call('ZADD', KEYS[1], 'GT', ARGV[1], place .. session)
  redis.call('ZADD', order, since, session)
  redis.call('HSET', actors, session, since .. ' ' .. ARGV[at + 3])
  keep(order)
  keep(actors)
end
keep(KEYS[1])
