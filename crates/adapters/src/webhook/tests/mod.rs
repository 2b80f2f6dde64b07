//! Calls of receivers over loopback, well-behaved and hostile.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod calls;
mod hostile;
mod receiver;
mod secured;
