-- Keeps the answer of a lease. Serves clauses 3 and 5 of IdempotencyStore.
--
-- KEYS[1]  the entry (see idempotency_claim.lua)
-- KEYS[2]  the index
-- ARGV     token, keep until (microseconds), milliseconds to keep beyond that, status, headers, body
--
-- Pre:  anything.
-- Post: 1 and the entry is answered, if the token is the entry's and nothing was answered under it; else 0, and nothing
--       is changed.
-- Run twice: the answer that is kept is kept.
local entry = redis.call('HMGET', KEYS[1], 'token', 'granted', 'status', 'headers', 'body')
if entry[1] ~= ARGV[1] then
  return 0
elseif entry[3] then
  local is_same = entry[3] == ARGV[4] and entry[4] == ARGV[5] and entry[5] == ARGV[6]
  return is_same and 1 or 0
end
-- Measured from the grant, which lies behind us: by the server's own clock the entry outlives its end in any case.
local keep = math.ceil(math.max(tonumber(ARGV[2]) - tonumber(entry[2]), 0) / 1000) + tonumber(ARGV[3])
redis.call('HSET', KEYS[1], 'until', ARGV[2], 'status', ARGV[4], 'headers', ARGV[5], 'body', ARGV[6])
redis.call('PEXPIRE', KEYS[1], keep)
redis.call('ZADD', KEYS[2], ARGV[2], KEYS[1])
return 1
