-- Gives a key back. Serves clauses 3 and 6 of IdempotencyStore.
--
-- KEYS[1]  the entry (see idempotency_claim.lua)
-- KEYS[2]  the index
-- ARGV     token
--
-- Pre:  anything.
-- Post: 1 and the entry is absent, if the token is the entry's and nothing was answered under it; else 0, and nothing
--       is changed.
-- Run twice: the second run says 0.
local entry = redis.call('HMGET', KEYS[1], 'token', 'status')
if entry[1] ~= ARGV[1] or entry[2] then
  return 0
end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], KEYS[1])
return 1
