//! A link platform that a program embeds: short links, and the communication layer around them.
//!
//! Every write is safe to retry, every event reaches every listener, every API speaks one contract. Take all of it as
//! `server::router`, or one part: only the [`idempotency`] layer, only the [`outbox`], only a port.
//!
//! | module | what it is |
//! |---|---|
//! | [`links`], [`clicks`], [`idempotency`], [`limits`], [`outbox`], [`events`], [`credentials`] | a capability each: the port, its values, and the service on top |
//! | [`Platform`], [`Ports`], [`PlatformOptions`] | the services, put together on one adapter for each port |
//! | [`engine`] | runs the long-lived parts: relay, drain, sweeper |
//! | [`layers`] | what surrounds a port: timing, time-outs, repetitions, faults |
//! | [`clock`], [`entropy`] | where time and randomness come from |
//! | [`ids`], [`page`], [`fields`], [`health`], [`wire`] | what the capabilities share |
//!
//! | feature | brings | for |
//! |---|---|---|
//! | `memory` (default) | `memory`: every port in this process | tests, trials, programs that need no durability |
//! | `sqlite` | `sqlite`: every port in one durable file | the embedded default |
//! | `postgres` | `postgres`: every port in a database | any number of nodes |
//! | `redis` | `redis`: keys, limits, the log of events, word of changed links | fast limits and fan-out over nodes |
//! | `nats` | `nats`: the log of events on JetStream | fan-out over nodes |
//! | `file` | `file`: the click spool in preallocated files | redirects that survive `kill -9` |
//! | `visitor` | `visitor`: user agent, bots, country | statistics |
//! | `egress` | `egress`: which addresses may be called on behalf of others, and a connector that keeps to it | calling addresses that strangers name |
//! | `webhook` | `webhook`: the way to the receivers of webhooks | sending deliveries |
//! | `server` | `server`: REST and redirects as an axum router, and each middleware alone | mounting Waypost in a program of one's own |
//! | `client` | `client`: the typed client, and the verifier of webhooks | calling a Waypost server, and being called by one |
//! | `conformance` | `conformance`: the suites of all ports | proving an adapter of one's own |
//! | `full` | all of these | |
//!
//! Features only add. Without any there are the ports, services and engines, and no driver.
//!
//! A key that is used twice, on a store in memory:
//!
#![cfg_attr(feature = "memory", doc = "```")]
#![cfg_attr(not(feature = "memory"), doc = "```ignore")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//! use waypost::idempotency::{Answer, Claim, Fingerprint, Idempotency, IdempotencyKey, IdempotencyOptions};
//! use waypost::{clock::SystemClock, entropy::OsEntropy, ids::WorkspaceId, memory::MemoryStore};
//!
//! let store = Arc::new(MemoryStore::default());
//! let options = IdempotencyOptions::default();
//! let idempotency = Idempotency::new(store, Arc::new(SystemClock), Arc::new(OsEntropy), options);
//!
//! let (shop, key) = (WorkspaceId::from_bytes([7; 16]), IdempotencyKey::parse(b"order-1")?);
//! let order = Fingerprint::of("POST", "/orders", "", b"a kettle");
//! let Claim::Granted(lease) = idempotency.claim(shop, key.clone(), order).await? else { panic!("the first") };
//! let answer = Answer { status: 201, headers: vec![], body: "order 1".into() };
//! idempotency.complete(&lease, &answer).await?;
//!
//! assert_eq!(idempotency.claim(shop, key.clone(), order).await?, Claim::Replay(answer));
//! let other = Fingerprint::of("POST", "/orders", "", b"two kettles");
//! assert_eq!(idempotency.claim(shop, key, other).await?, Claim::Mismatch);
//! # Ok(())
//! # }
//! ```
//!
//! The folder `examples` shows the router beside routes of one's own, an own link store with its proof, a receiver of
//! webhooks, and the idempotency layer, the outbox and the sender of webhooks each on its own.

pub use waypost_core::{
    Error, IdentityOptions, Issue, Kind, Platform, PlatformOptions, Ports, Result, WebhookOptions, clicks, clients,
    clock, credentials, engine, entropy, events, fields, grants, health, idempotency, ids, issuers, layers, limits,
    links, login, members, outbox, page, push, seal, tokens, webhooks, wire,
};

#[cfg(feature = "conformance")]
pub use waypost_core::conformance;

#[cfg(feature = "egress")]
pub use waypost_adapters::egress;
#[cfg(feature = "file")]
pub use waypost_adapters::file;
#[cfg(feature = "memory")]
pub use waypost_adapters::memory;
#[cfg(feature = "nats")]
pub use waypost_adapters::nats;
#[cfg(feature = "postgres")]
pub use waypost_adapters::postgres;
#[cfg(feature = "redis")]
pub use waypost_adapters::redis;
#[cfg(feature = "sqlite")]
pub use waypost_adapters::sqlite;
#[cfg(feature = "visitor")]
pub use waypost_adapters::visitor;
#[cfg(feature = "webhook")]
pub use waypost_adapters::webhook;

#[cfg(feature = "client")]
pub use waypost_client as client;
#[cfg(feature = "server")]
pub use waypost_server_axum as server;
