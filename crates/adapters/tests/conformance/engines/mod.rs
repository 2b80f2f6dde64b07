//! The engines and services of core on the adapters in memory, with faults in between.

mod believed;
mod cached;
mod changes;
mod dispatcher;
mod fanout;
mod follows;
mod live;
mod node;
mod presence;
mod relay;
mod sweeper;
pub(crate) mod tickets;
