//! Servers behind the gateway: which one is asked, whether it may be, and the connections to it.
//!
//! An [`Upstream`] is a name and some [`Target`]s with weights. For each request it picks one that is
//!
//! 1. well, by active [`health`] checks,
//! 2. not set aside, by [`ejection`] of those that do worse than the others,
//! 3. not at rest, by its [`breaker`],
//! 4. not full.
//!
//! Of those that are left the [`balance`] picks by weight. Everything reads the time from a `Clock`; nothing here runs by
//! itself but the [`HealthChecks`] engine.

pub mod balance;
pub mod breaker;
mod client;
mod connector;
pub mod ejection;
pub mod health;
mod target;
#[cfg(test)]
mod tests;
mod upstream_set;

pub use client::TargetError;
pub use health::{HealthChecks, Reading};
pub use target::{Attempt, Outcome, Place, Target};
pub use upstream_set::{Unavailable, Upstream};
