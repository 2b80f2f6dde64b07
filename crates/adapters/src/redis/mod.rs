//! Keys, limits, the log of events and word of changed links in Redis.
