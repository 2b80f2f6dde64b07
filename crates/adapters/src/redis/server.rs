//! What the server says of itself, for those who look whether it will do.

use std::collections::HashMap;

use waypost_core::Result;

use super::connection::Redis;
use super::error::Fault;

/// What the server says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisServer {
    /// Its version.
    pub version: String,
    /// Whether it writes what it takes to a file.
    pub appendonly: bool,
    /// When it has the disk keep that file; `None` where the service does not tell.
    pub appendfsync: Option<String>,
    /// What it drops when its memory is full; `None` where the service does not tell.
    pub eviction: Option<String>,
}

impl RedisServer {
    /// Asks it; changes nothing.
    ///
    /// # Errors
    /// [`Unavailable`](waypost_core::Kind::Unavailable) when it is away.
    pub async fn ask(redis: &Redis) -> Result<Self> {
        Ok(Self::asked(redis).await?)
    }

    async fn asked(redis: &Redis) -> Result<Self, Fault> {
        let told: String = redis.query(redis::cmd("INFO").arg("everything")).await?;
        let said = |name: &str| {
            let line = told.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.map(|value| value.trim().to_owned())
        };
        let mut ask = redis::cmd("CONFIG");
        ask.arg("GET").arg("appendfsync");
        // Most services that run a Redis for others forbid the question.
        let appendfsync = match redis.query::<HashMap<String, String>>(&ask).await {
            Ok(mut settings) => settings.remove("appendfsync"),
            Err(fault) if fault.is_refusal() => None,
            Err(fault) => return Err(fault),
        };
        Ok(Self {
            version: said("redis_version").unwrap_or_default(),
            appendonly: said("aof_enabled").as_deref() == Some("1"),
            appendfsync,
            eviction: said("maxmemory_policy"),
        })
    }
}
