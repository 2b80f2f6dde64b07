-- Tells where the log begins and ends. Serves clause 4 of EventBus. Follows log.lua.
--
-- Post: {epoch, trimmed, last}.
return {epoch, trimmed, last}
