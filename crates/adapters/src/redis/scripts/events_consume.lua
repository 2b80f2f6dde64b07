-- Leases the next batch to a member of a group. Serves clause 5 of EventBus. Follows log.lua.
--
-- KEYS[4]  the group: a hash of acked, epoch, leased_until, token
-- ARGV[5]  now, and ARGV[6] the end of the lease (microseconds)
-- ARGV[7]  the token that the lease shall have, and ARGV[8] the most events to give
--
-- Pre:  the group is absent, free, or leased.
-- Post: {epoch, trimmed, last} with nothing leased, if there is nothing to give or another member has the lease; else
--       {epoch, trimmed, last, 1 if the group may have missed events, then for each event its offset and the event},
--       and the group is leased.
-- Run twice: a token that has the lease is given the same again.
local group = redis.call('HMGET', KEYS[4], 'acked', 'epoch', 'leased_until', 'token')
local acked, answer = tonumber(group[1]), {epoch, trimmed, last}
if not acked then
  acked, group[2] = trimmed, epoch
  redis.call('HSET', KEYS[4], 'acked', acked, 'epoch', epoch)
elseif group[3] and tonumber(group[3]) > tonumber(ARGV[5]) and group[4] ~= ARGV[7] then
  return answer
end
local from = math.min(math.max(acked, trimmed), last)
local upto = math.min(last, from + tonumber(ARGV[8]))
if upto <= from then
  return answer
end
answer[4] = (acked < trimmed or group[2] ~= epoch) and 1 or 0
for _, entry in ipairs(redis.call('XRANGE', KEYS[2], id_of(from + 1), id_of(upto))) do
  answer[#answer + 1] = tonumber(string.match(entry[1], '^%d+'))
  answer[#answer + 1] = entry[2][2]
end
if #answer == 4 then
  return {epoch, trimmed, last}
end
redis.call('HSET', KEYS[4], 'leased_until', ARGV[6], 'token', ARGV[7])
return answer
