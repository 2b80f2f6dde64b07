//! Every port in this process's memory: for tests, trials, and embedders that need no durability.
//!
//! Nothing here outlives the process, and no two processes share it; in all else these adapters obey every clause
//! of their ports, as the suites of [`waypost_core::conformance`] prove.
//!
//! [`MemoryStore`] implements all ports that share transactions, since a transaction is one hold of its one lock. What
//! it keeps is bounded by what its callers sweep, settle, forget and delete.
//!
//! ```
//! use std::sync::Arc;
//! use waypost_adapters::memory::MemoryStore;
//! use waypost_core::links::LinkStore;
//! use waypost_core::outbox::Outbox;
//!
//! let store = Arc::new(MemoryStore::default());
//! let links: Arc<dyn LinkStore> = store.clone();
//! let outbox: Arc<dyn Outbox> = store;
//! ```

mod clicks;
mod clients;
mod credentials;
mod events;
mod grants;
mod idempotency;
mod invalidations;
mod limits;
mod links;
mod members;
mod outbox;
mod presence;
mod spool;
mod store;
mod webhooks;

pub use events::MemoryEventBus;
pub use invalidations::MemoryInvalidations;
pub use limits::MemoryRateLimiter;
pub use presence::MemoryPresenceStore;
pub use spool::MemoryClickSpool;
pub use store::MemoryStore;
