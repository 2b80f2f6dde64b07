//! The guard against whoever wants past it.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod connecting;
mod doubles;
mod hostile;
mod proxied;
