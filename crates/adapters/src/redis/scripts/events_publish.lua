-- Appends events, and wakes those who wait. Serves clauses 1, 2 and 6 of EventBus. Follows log.lua.
--
-- ARGV[5]  the channel on which it is told
-- ARGV[6…] for each event its id and the event itself, 1,000 events at most
--
-- Post: {epoch, trimmed, last, an offset for each event}. Events whose ids were not in the log stand at its end, in the
--       order given, and a message is published if there are any.
-- Run twice: nothing is appended, and the answer is the same.
local ids, events = {}, {}
for at = 6, #ARGV, 2 do
  ids[#ids + 1] = ARGV[at]
  events[#events + 1] = ARGV[at + 1]
end
local known, places, fresh = redis.call('HMGET', KEYS[3], unpack(ids)), {}, {}
local answer = {epoch, trimmed, 0}
for at, id in ipairs(ids) do
  local offset = known[at] and tonumber(known[at]) or places[id]
  if not offset then
    last = last + 1
    offset = last
    places[id] = offset
    redis.call('XADD', KEYS[2], id_of(offset), 'e', events[at])
    fresh[#fresh + 1] = id
    fresh[#fresh + 1] = offset
  end
  answer[at + 3] = offset
end
if #fresh > 0 then
  redis.call('HSET', KEYS[3], unpack(fresh))
  redis.call('HSET', KEYS[1], 'last', last)
  redis.call('PUBLISH', ARGV[5], '')
end
answer[3] = last
return answer
