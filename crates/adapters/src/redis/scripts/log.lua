-- Opens the log of events; the beginning of every script of EventBus. Serves clause 4.
--
-- KEYS[1]  what is known of the log: a hash of epoch, last, trimmed, run
-- KEYS[2]  the log: a stream whose ids are `offset-0`, each entry one field with the event (see events/record.rs)
-- KEYS[3]  a hash of event ids and their offsets
-- ARGV[1]  the id of the server's run, if this call brings the script's text to a server that did not know it; else ''
-- ARGV[2]  an epoch that the caller has seen, or '', and ARGV[3] the highest offset that it has seen in it
-- ARGV[4]  a fresh epoch
--
-- Pre:  anything.
-- Post: epoch, last and trimmed are those of the log, and the log holds every offset in trimmed + 1 .. last.
--
-- A position means nothing any more, and so a new epoch begins, when the log is not there (first use, FLUSHALL), or may
-- have lost its end: the caller has seen more of it, or the server is another run than the one that last wrote it (a
-- restart, or a fail-over to a replica that was behind). A server that was just started knows no script, so every
-- script's first call there brings the run's id, and none can go on as if nothing had happened. What is left of the log
-- stays readable under the new epoch.
local meta = redis.call('HMGET', KEYS[1], 'epoch', 'last', 'trimmed', 'run')
local epoch, last, trimmed = meta[1], tonumber(meta[2]), tonumber(meta[3])

local function begin_epoch()
  epoch = ARGV[4]
  local run = ARGV[1] ~= '' and ARGV[1] or meta[4] or ''
  redis.call('HSET', KEYS[1], 'epoch', epoch, 'last', last, 'trimmed', trimmed, 'run', run)
end

if not epoch then
  last, trimmed = 0, 0
  redis.call('DEL', KEYS[2], KEYS[3])
  begin_epoch()
elseif (ARGV[1] ~= '' and ARGV[1] ~= meta[4]) or (ARGV[2] == epoch and tonumber(ARGV[3]) > last) then
  begin_epoch()
end

local function id_of(offset)
  return string.format('%.0f-0', offset)
end
