-- Removes entries that are over. Serves clause 2 of IdempotencyStore.
--
-- KEYS[1]  the index (see idempotency_claim.lua); its members are keys with the same hash tag
-- ARGV     now (microseconds), the most to remove
--
-- Pre:  anything.
-- Post: up to so many entries that are over by `now` are absent, the oldest first; the answer is how many.
-- Run twice: more of them may be removed.
local over = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
for _, entry in ipairs(over) do
  redis.call('DEL', entry)
  redis.call('ZREM', KEYS[1], entry)
end
return #over
