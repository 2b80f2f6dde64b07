-- Reads after a position. Serves clauses 3 and 4 of EventBus. Follows log.lua.
--
-- ARGV[5]  the epoch of the position, and ARGV[6] its offset
-- ARGV[7]  the most events to give, and ARGV[8] the most to look at
-- ARGV[9]  a workspace's 16 bytes, or ''
-- ARGV[10] '=' and a subject, or ''
-- ARGV[11…] event types; any, if there are none
--
-- Post: {epoch, trimmed, last} if the position is to be reset; else {epoch, trimmed, last, the offset up to which was
--       looked, then for each event its offset and the event}.
local after, limit = tonumber(ARGV[6]), tonumber(ARGV[7])
if ARGV[5] ~= epoch or after < trimmed or after > last then
  return {epoch, trimmed, last}
end
local workspace, subject, types = ARGV[9], ARGV[10], {}
for at = 11, #ARGV do
  types[ARGV[at]] = true
end
local is_filtered = workspace ~= '' or subject ~= '' or #ARGV > 10

local function admits(event)
  if workspace ~= '' and string.sub(event, 26, 41) ~= workspace then
    return false
  end
  local behind = 43 + string.byte(event, 42)
  if #ARGV > 10 and not types[string.sub(event, 43, behind - 1)] then
    return false
  end
  if subject ~= '' then
    -- The length is one more than the subject's, so that none is told from an empty one.
    local length = struct.unpack('>I4', event, behind)
    return length == #subject and string.sub(event, behind + 4, behind + 2 + length) == string.sub(subject, 2)
  end
  return true
end

local looks = is_filtered and tonumber(ARGV[8]) or math.min(limit, tonumber(ARGV[8]))
local upto = limit == 0 and after or math.min(last, after + looks)
local answer = {epoch, trimmed, last, upto}
if upto > after then
  local entries = redis.call('XRANGE', KEYS[2], id_of(after + 1), id_of(upto))
  if #entries ~= upto - after then
    -- Somebody else took entries out. No position can be trusted.
    begin_epoch()
    return {epoch, trimmed, last}
  end
  local given = 0
  for at, entry in ipairs(entries) do
    local event = entry[2][2]
    if not is_filtered or admits(event) then
      answer[#answer + 1] = after + at
      answer[#answer + 1] = event
      given = given + 1
      if given == limit then
        answer[4] = after + at
        break
      end
    end
  end
end
return answer
