-- Finds who is present. Serves clauses 2, 6 and 7 of PresenceStore.
--
-- KEYS[1]  the index (see presence_enter.lua)
-- ARGV     now (microseconds), the most of a place, then places as workspace:subject
--
-- Pre:  anything.
-- Post: nothing changed; a list for each place: session, 'since actor', session, 'since actor', and so on, the oldest
--       first.
local STEP = 500
local now, limit = tonumber(ARGV[1]), tonumber(ARGV[2])

local function present(place)
  local order, actors = KEYS[1] .. ':since:' .. place, KEYS[1] .. ':actor:' .. place
  local found, from = {}, 0
  while #found < 2 * limit do
    local sessions = redis.call('ZRANGE', order, from, from + STEP - 1)
    if #sessions == 0 then
      break
    end
    local stays = {}
    for n, session in ipairs(sessions) do
      stays[n] = place .. session
    end
    local ends = redis.call('ZMSCORE', KEYS[1], unpack(stays))
    local told = redis.call('HMGET', actors, unpack(sessions))
    for n, session in ipairs(sessions) do
      if ends[n] and tonumber(ends[n]) > now and told[n] and #found < 2 * limit then
        found[#found + 1] = session
        found[#found + 1] = told[n]
      end
    end
    from = from + STEP
  end
  return found
end

local lists = {}
for at = 3, #ARGV do
  lists[at - 2] = present(ARGV[at])
end
return lists
