//! Waypost's adapters: each folder implements ports of `waypost-core` on one technology, behind one feature.
//!
//! | feature | ports |
//! |---|---|
//! | `memory` | all, in this process |
//! | `sqlite` | all, in one file |
//! | `postgres` | all, in a database that any number of nodes share |
//! | `redis` | idempotency, rate limits, the log of events, word of changed links |
//! | `nats` | the log of events, on JetStream |
//! | `file` | the click spool |
//! | `visitor` | who is behind a click |
//! | `oidc` | the way to issuers of tokens and login providers |
//! | `egress` | none: which addresses may be called on behalf of others, for `webhook` and for programs of one's own |
//! | `sse`, `long_poll` | the ways to the clients of live events |
//! | `webhook` | the way to the receivers of webhooks |
//! | `websocket` | the way of live events over a WebSocket |

#[cfg(feature = "egress")]
pub mod egress;
#[cfg(feature = "file")]
pub mod file;
#[cfg(feature = "long_poll")]
pub mod long_poll;
#[cfg(feature = "memory")]
pub mod memory;
#[cfg(feature = "nats")]
pub mod nats;
#[cfg(feature = "oidc")]
pub mod oidc;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(feature = "sqlite")]
pub mod sqlite;
#[cfg(feature = "sse")]
pub mod sse;
#[cfg(feature = "visitor")]
pub mod visitor;
#[cfg(feature = "webhook")]
pub mod webhook;
#[cfg(feature = "websocket")]
pub mod websocket;
