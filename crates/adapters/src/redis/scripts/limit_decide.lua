-- Takes a cost from what a policy allows a key, if it is there. Serves clauses 1 and 5 of RateLimiter.
--
-- KEYS[1]  what is kept of the past. A bucket: a moment in microseconds, and how far beyond it the bucket will be full,
--          in nanoseconds. A window: the number of its newest slice, the sum of its counts, and its counts, the newest
--          first.
-- ARGV     'bucket', cost, milliseconds to keep, time, now (microseconds), nanoseconds a token, nanoseconds when empty
--     or   'window', cost, milliseconds to keep, time, number of the slice of now, quota, slices kept
--          where time is 1 if the server's clock is to be told
--
-- Pre:  absent, or written by this script for the same algorithm and window.
-- Post: {allowed, what was kept before, {seconds, microseconds} of the server's clock}. If it was allowed the cost is
--       taken, and the key expires after its full quota is there again; else nothing is changed.
-- Run twice: the cost is taken twice, so less is admitted, never more.
--
-- Policy::decide is the same decision, and tells the caller how things stand. Every number here is whole and below
-- 2^53, so doubles are exact: nanoseconds are counted from a moment of this key, never from 1970.
local seen = redis.call('GET', KEYS[1])
local cost, keep = tonumber(ARGV[2]), tonumber(ARGV[3])
local allowed = 0
if ARGV[1] == 'bucket' then
  local now, ahead = tonumber(ARGV[5]), 0
  if seen then
    local at, then_ahead = struct.unpack('>dd', seen)
    if at < now then
      ahead = math.max(then_ahead - (now - at) * 1000, 0)
    else
      now, ahead = at, then_ahead
    end
  end
  ahead = ahead + cost * tonumber(ARGV[6])
  if ahead <= tonumber(ARGV[7]) then
    allowed = 1
    redis.call('SET', KEYS[1], struct.pack('>dd', now, ahead), 'PX', keep + math.ceil(ahead / 1000000))
  end
else
  local newest, kept, total, first, rest = tonumber(ARGV[5]), tonumber(ARGV[7]), 0, 0, nil
  if not seen then
    rest = string.rep('\0', 4 * (kept - 1))
  else
    local past
    past, total, first = struct.unpack('>dI4I4', seen)
    if past >= newest then
      -- Most often: only the newest slice changes.
      newest, rest = past, string.sub(seen, 17)
    else
      local counts, age = {struct.unpack('>' .. string.rep('I4', kept), seen, 13)}, newest - past
      total = 0
      for at = kept, 1, -1 do
        counts[at] = at > age and counts[at - age] or 0
        total = total + counts[at]
      end
      first, rest = 0, struct.pack('>' .. string.rep('I4', kept - 1), unpack(counts, 2, kept))
    end
  end
  if total + cost <= tonumber(ARGV[6]) then
    allowed = 1
    redis.call('SET', KEYS[1], struct.pack('>dI4I4', newest, total + cost, first + cost) .. rest, 'PX', ARGV[3])
  end
end
return {allowed, seen, ARGV[4] == '1' and redis.call('TIME')}
