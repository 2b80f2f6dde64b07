//! Clients of live feeds: small, thousands to a process, each with all that it was told in its order.
//!
//! - [`Client`] follows a workspace's events over one [`Transport`] or several, comes back after each break where it
//!   was, and tells an [`Ear`] what it hears; how it goes about it is its [`Manner`], and where to, its [`Addresses`];
//! - [`Record`] is the ear of tests: the ids of events in their order, and what went wrong on the way;
//! - [`Fleet`] is many clients with a record each, on threads of their own;
//! - [`stream`], [`socket`] and [`poll`] are the transports, on a bare connection, a [`wire`];
//! - [`chunks`] and [`lines`] read a body's framing and an event stream, byte by byte and without any I/O.

mod backoff;
pub mod chunks;
mod client;
mod ear;
mod fleet;
mod frame;
pub mod lines;
mod manner;
pub mod poll;
mod record;
pub mod socket;
pub mod stream;
pub mod wire;

pub use client::Client;
pub use ear::{Ear, Ending, Told};
pub use fleet::{Fleet, add_up};
pub use manner::{Addresses, Manner, Start, Transport};
pub use record::{Heard, Record};
