//! Webhooks in PostgreSQL: endpoints, what is owed to them, and what became of it.
//!
//! An endpoint's queue is leased as a whole (docs/adr/0018): one narrow row. Whatever changes what is owed to an endpoint
//! locks that row first, in a statement of its own, and reads what is owed in a later one, which then sees all that is
//! committed. So nothing can become owed between the look of somebody who gives a queue back and the moment that he notes
//! when it is due. Where several rows are locked, it is in the order of their endpoints.

mod attempts;
mod backlog;
mod claim;
mod endpoints;
mod enqueue;
mod gate;
mod log;
mod owe;
mod record;
mod redrive;
mod row;
mod settle;
mod standing;
mod store;
mod trim;

pub use store::PostgresWebhookStore;

use super::days::DailyTables;

/// What is kept by the day of the event: deliveries first, since whoever does not find them does nothing.
static KEPT: DailyTables = DailyTables { name: "waypost webhook days ", tables: &[DELIVERY, FAILED, ATTEMPT] };
const DELIVERY: &str = "waypost_delivery";
const FAILED: &str = "waypost_delivery_failed";
const ATTEMPT: &str = "waypost_attempt";

/// The statements, for those who look at their plans.
#[cfg(test)]
pub(super) mod statements {
    pub(in crate::postgres) use super::backlog::OLDEST;
    pub(in crate::postgres) use super::claim::{CLAIM, DUE, GIVE_BACK, RENEW};
    pub(in crate::postgres) use super::gate::BEGIN;
    pub(in crate::postgres) use super::log::{ALL, ARE_MANY, ATTEMPTS, DELIVERED, FAILED, MANY_WAITING, ONE, WAITING};
    pub(in crate::postgres) use super::owe::LOCK as OWE_LOCK;
    pub(in crate::postgres) use super::redrive::{
        DUE_NOW as REDRIVE_OWED, FAILED as REDRIVE_FAILED, ONE as REDRIVE_ONE,
    };
    pub(in crate::postgres) use super::settle::{DONE, LOCK as SETTLE_LOCK, NEXT, RETRY, STAND};
    pub(in crate::postgres) use super::trim::{HOURS, IS_OWED};
}
