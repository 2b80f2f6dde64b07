//! Two nodes on servers of their own: they agree with each other, and get over whatever happens to what they stand on.
//!
//! A fault is really done, under load, by a [`drill`]; what is left after it is looked at by the [`verdict`]. One round of
//! each is run unless `WAYPOST_TEST_ROUNDS` says how many.

mod accord;
mod cuts;
mod drill;
mod flushes;
mod kills;
mod ledger;
mod limits;
pub(crate) mod nodes;
mod outage;
mod recovery;
mod tail;
mod verdict;
mod visitors;
mod writers;
