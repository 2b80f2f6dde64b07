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

#[cfg(feature = "file")]
pub mod file;
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
#[cfg(feature = "visitor")]
pub mod visitor;
