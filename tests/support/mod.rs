//! What the benches and the crash tests share: a load generator, a harness for the real binary, and servers to break.
//!
//! - [`load`] sends HTTP/1.1 at full speed or at a fixed rate, and knows of each request whether its answer arrived;
//! - [`process`] runs a child, finds the port that it chose, kills it and reads its memory and CPU time;
//! - [`server`] is [`process`] for `waypost serve`, with restarts on the same data;
//! - [`http`] is a small blocking client for API calls;
//! - [`command`] runs the other commands of the binary;
//! - [`postgres`], [`redis`] and [`nats`] are servers of a test's own, to be killed and started again; what they share
//!   is [`daemon`], and [`guard`] sees to it that none is left;
//! - [`receiver`] is a receiver of webhooks that does as a test says;
//! - [`live`] is clients of live feeds, thousands of them, that know what they were told;
//! - [`proxy`] stands between two of them as a bad network, on a [`port`] that stays free while nobody listens;
//! - [`browser`] is a Chromium that does as a test says;
//! - [`wait`] looks until something has come about, and [`dice`] says when to strike.
//!
//! Everything here stays on loopback and ends by itself: each wait has a limit, and children die with their handle.

#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    reason = "each test binary compiles the whole module and uses a part of it"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "a load generator measures the real clock, and a child inherits the real environment"
)]

pub mod browser;
pub mod command;
pub mod daemon;
pub mod dice;
pub mod guard;
pub mod http;
pub mod live;
pub mod load;
pub mod nats;
pub mod port;
pub mod postgres;
pub mod process;
pub mod proxy;
pub mod receiver;
pub mod redis;
pub mod server;
pub mod wait;
