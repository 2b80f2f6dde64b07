-- Moves a group past a batch. Serves clause 5 of EventBus. Follows log.lua.
--
-- KEYS[4]  the group (see events_consume.lua)
-- ARGV[5]  the token of the batch, ARGV[6] its epoch, and ARGV[7] its last offset
--
-- Post: {epoch, trimmed, last, 1} and the group stands after the batch and is free, if the lease is still the token's
--       and the log the same; else {epoch, trimmed, last, 0}, and nothing is changed.
-- Run twice: the second run moves nothing further.
local group = redis.call('HMGET', KEYS[4], 'acked', 'token')
if group[2] ~= ARGV[5] or ARGV[6] ~= epoch then
  return {epoch, trimmed, last, 0}
end
local acked = math.max(tonumber(group[1]), math.min(tonumber(ARGV[7]), last))
redis.call('HSET', KEYS[4], 'acked', acked, 'epoch', epoch, 'leased_until', 0)
return {epoch, trimmed, last, 1}
