//! Keys, limits, the log of events and word of changed links in Redis, for any number of nodes.
//!
//! [`Redis::open`] connects; each port is made of the handle:
//!
//! ```no_run
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! use std::sync::Arc;
//! use waypost_adapters::redis::{Redis, RedisEventBus, RedisIdempotencyStore, RedisInvalidations, RedisRateLimiter};
//! use waypost_core::clock::SystemClock;
//!
//! let redis = Redis::open("redis://127.0.0.1:6379").await?;
//! let (keys, bus) = (RedisIdempotencyStore::new(&redis), RedisEventBus::new(&redis));
//! let (limiter, links) = (RedisRateLimiter::new(&redis, Arc::new(SystemClock)), RedisInvalidations::new(&redis));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **One script a call.** What reads and then writes is a Lua script, so it is atomic and takes one round trip. Each
//! script says in its first lines what must be true before and is true after it.
//!
//! **Two connections.** Commands of all callers travel on one, and a second one listens. Both come back by themselves,
//! within a second or two of the server; the first call after an outage is made twice rather than failed. A connection
//! that is open and silent is given up as well. Whoever listens or waits is told when something may have been missed.
//!
//! **Away.** A call fails within [`RedisOptions::response_timeout`] and two times
//! [`RedisOptions::connect_timeout`], twice at most, and is [`Unavailable`](waypost_core::Kind::Unavailable) or
//! [`Timeout`](waypost_core::Kind::Timeout).
//!
//! **Time.** What is over is over by the caller's moment. The server's own expiry comes later and only clears away.
//! Moments are kept to the microsecond.
//!
//! **Which server.** Redis 7.0 or later, or Valkey, with `maxmemory-policy noeviction`: a store that drops keys of its
//! own accord keeps no promise. Persistence is the operator's choice; `appendonly yes` is recommended, and what is lost
//! all the same is told as a reset (see [`RedisEventBus`]). All keys of a prefix carry one hash tag, and so lie in one
//! slot of a cluster.

mod commands;
mod connection;
mod error;
mod events;
mod idempotency;
mod inbox;
mod invalidations;
mod keys;
mod limits;
mod listening;
mod moments;
mod names;
mod options;
mod presence;
mod script;
mod server;

#[cfg(test)]
mod tests;

pub use connection::{Redis, RedisProbe};
pub use events::RedisEventBus;
pub use idempotency::RedisIdempotencyStore;
pub use invalidations::RedisInvalidations;
pub use limits::RedisRateLimiter;
pub use options::RedisOptions;
pub use presence::RedisPresenceStore;
pub use server::RedisServer;
