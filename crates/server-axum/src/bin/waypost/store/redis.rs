//! A Redis beside the store.

use std::sync::Arc;

use waypost_adapters::redis::{
    Redis, RedisEventBus, RedisInvalidations, RedisOptions, RedisPresenceStore, RedisProbe, RedisRateLimiter,
    RedisServer,
};
use waypost_core::Result;
use waypost_core::clock::SystemClock;

use super::parts;
use crate::doctor::Finding;
use crate::failure::in_full;
use crate::settings::{Bus, ServerUrl, Settings};

/// Connects. Warns where the log of events would not outlive a crash of the server.
pub(super) async fn open(settings: &Settings, url: &ServerUrl) -> Result<parts::Redis> {
    let redis = Redis::open(options(settings, url)).await?;
    if settings.bus() == Bus::Redis {
        for fault in losses(&RedisServer::ask(&redis).await?) {
            tracing::warn!("Redis carries the log of events, and {fault}");
        }
    }
    Ok(parts::Redis {
        bus: Arc::new(RedisEventBus::new(&redis)),
        limiter: Arc::new(RedisRateLimiter::new(&redis, Arc::new(SystemClock))),
        invalidations: Arc::new(RedisInvalidations::new(&redis)),
        presence: Arc::new(RedisPresenceStore::new(&redis)),
        probe: Arc::new(RedisProbe::new(&redis)),
    })
}

/// Looks at the server; changes nothing.
pub(super) async fn examine(settings: &Settings, url: &ServerUrl) -> Vec<Finding> {
    let asked = async {
        let redis = Redis::open(options(settings, url)).await?;
        RedisServer::ask(&redis).await
    };
    let server = match asked.await {
        Ok(server) => server,
        Err(error) => {
            let cure = "start it, or correct redis_url";
            return vec![Finding::fail("redis", format!("{url}: {}; {cure}", in_full(&error)))];
        }
    };
    let mut findings = vec![Finding::ok("redis", format!("{url} answers, version {}", server.version))];
    if settings.bus() == Bus::Redis {
        findings.extend(losses(&server).map(|fault| Finding::warn("redis durability", fault)));
    }
    findings
}

/// By what the server would lose events that it has taken.
fn losses(server: &RedisServer) -> impl Iterator<Item = &'static str> {
    let evicts = server.eviction.as_deref().is_some_and(|policy| policy != "noeviction");
    let syncs_late = server.appendonly && server.appendfsync.as_deref().is_some_and(|policy| policy != "always");
    let losses = [
        (!server.appendonly, "a restart forgets it: set appendonly yes and appendfsync always"),
        (syncs_late, "a power cut takes the last second of it: set appendfsync always"),
        (evicts, "full memory drops it: set maxmemory-policy noeviction"),
    ];
    losses.into_iter().filter_map(|(holds, text)| holds.then_some(text))
}

fn options(settings: &Settings, url: &ServerUrl) -> RedisOptions {
    RedisOptions { prefix: settings.redis_prefix.clone(), ..RedisOptions::new(url.expose()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(appendonly: bool, appendfsync: &str, eviction: &str) -> usize {
        let server = RedisServer {
            version: "7.0.15".to_owned(),
            appendonly,
            appendfsync: Some(appendfsync.to_owned()),
            eviction: Some(eviction.to_owned()),
        };
        losses(&server).count()
    }

    #[test]
    fn what_would_lose_events_is_told() {
        assert_eq!(told(true, "always", "noeviction"), 0);
        assert_eq!(told(true, "everysec", "noeviction"), 1);
        assert_eq!(told(false, "everysec", "noeviction"), 1);
        assert_eq!(told(false, "always", "allkeys-lru"), 2);
        let silent = RedisServer { version: String::new(), appendonly: true, appendfsync: None, eviction: None };
        assert_eq!(losses(&silent).count(), 0, "a server that does not say is not suspected");
    }
}
