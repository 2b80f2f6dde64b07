//! The two directions, each against the library's own client. The talk as a whole is tested over real connections, with the
//! server.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod incoming;
mod outgoing;
