-- Grants a key to one claimer. Serves clauses 1, 2, 4 and 7 of IdempotencyStore.
--
-- KEYS[1]  the entry: a hash of until, fingerprint, token, granted, and once answered status, headers, body
-- KEYS[2]  the index: a sorted set of entries by the moment at which each is over
-- ARGV     now, until (microseconds), milliseconds to keep, fingerprint, token
--
-- Pre:  the entry is absent, over, leased or answered.
-- Post: {'granted'} and the entry is leased to the token until `until`; or, with nothing changed, {'mismatch'},
--       {'busy', until} or {'replay', status, headers, body}.
-- Run twice: a token that was granted is granted again.
local entry = redis.call('HMGET', KEYS[1], 'until', 'fingerprint', 'token', 'status', 'headers', 'body')
if entry[1] and tonumber(entry[1]) > tonumber(ARGV[1]) then
  if entry[2] ~= ARGV[4] then
    return {'mismatch'}
  elseif entry[4] then
    return {'replay', entry[4], entry[5], entry[6]}
  elseif entry[3] ~= ARGV[5] then
    return {'busy', entry[1]}
  end
  return {'granted'}
end
if entry[1] then
  redis.call('DEL', KEYS[1])
end
-- The first write for a new key: a server that is full refuses it, where one after a DEL it would let pass.
redis.call('HSET', KEYS[1], 'until', ARGV[2], 'fingerprint', ARGV[4], 'token', ARGV[5], 'granted', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('ZADD', KEYS[2], ARGV[2], KEYS[1])
return {'granted'}
