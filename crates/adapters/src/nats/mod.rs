//! The log of events in NATS JetStream.
//!
//! [`Nats::open`] connects and makes what is not there; the log is made of the handle:
//!
//! ```no_run
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! use waypost_adapters::nats::{Nats, NatsEventBus};
//! use waypost_core::events::EventBus as _;
//!
//! let nats = Nats::open("nats://127.0.0.1:4222").await?;
//! let bus = NatsEventBus::new(&nats);
//! let bounds = bus.bounds().await?;
//! assert!(bounds.start <= bounds.end);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **What is where.** The stream `<prefix>_events` keeps the events, published under `<prefix>.event.<workspace>`. The
//! server tells of each that it has stored, by its headers alone, under `<prefix>.logged.<workspace>`. The bucket
//! `<prefix>_groups` keeps where groups stand. A server of 2.9 or newer does, with JetStream on.
//!
//! **Positions** are sequences of the stream; the epoch is the moment at which it was made. A stream that was deleted
//! is made anew by whoever finds it missing, and every position in the old one is
//! [`Reset`](waypost_core::events::Read).
//!
//! **Durable** as the server is: JetStream writes an event to its file before it answers, and leaves flushing the file
//! to the system. A server that is killed loses nothing; a machine that loses power may lose the last moments, unless
//! [`NatsOptions::replicas`] keep them elsewhere.
//!
//! **Once.** The server drops an id that it was given within [`NatsOptions::duplicate_window`]. Events that are older
//! than that are looked up in the log first, so an event that is in it is never appended again, under three conditions:
//! clocks differ by less than a minute; no more than a million events lie between the making of an event and the
//! window; and no node is cut off from NATS for longer than the window with events already handed to its connection,
//! since that sends them once it is back. The server keeps the ids in memory, and reads them from the log again when it
//! starts.
//!
//! **Order.** Events are sent without waiting for each other, except that each waits for the one before it of the same
//! key. A failure stops the batch, so an event that is published again comes before all later ones of its key.
//!
//! **Full.** A log that reached a limit refuses events, which wait in the outbox; it drops none to make room. Only
//! [`trim`](waypost_core::events::EventBus::trim) forgets.
//!
//! **Away.** Calls fail at once while the connection is down, and it comes back by itself, however long that takes.
//! Those who wait for events wake when it does.
//!
//! **Groups** stand in the bucket, and an entry's revision is the proof of a lease; see the decision
//! "Groups of JetStream stand in a bucket" in `docs/adr`.

mod bus;
mod connection;
mod error;
mod groups;
mod log;
mod message;
mod once;
mod options;
mod publish;
mod reader;
mod server;
mod stream;

#[cfg(test)]
mod tests;

pub use bus::NatsEventBus;
pub use connection::{Nats, NatsProbe};
pub use options::{NatsCredentials, NatsOptions};
pub use server::NatsServer;
