//! Tests that stand around the whole platform: they start the real binary, load it, kill it, and look at what is left.
//!
//! The rules of the source tree are [`tidy`](../tidy.rs), a binary of its own, so that they can be checked without
//! building the platform.

#![allow(clippy::disallowed_methods, reason = "what is measured from outside is measured by the real clock")]

mod cluster;
mod crash_creates;
mod crash_redirects;
mod disk_full;
mod ground;
mod life;
mod live;
mod load;
mod races;
mod walk;
mod webhooks;

#[path = "../support/mod.rs"]
mod support;
