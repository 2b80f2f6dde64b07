//! The log of events: a stream, and what is known of it.

mod answer;
mod bus;
mod log;
mod record;
mod seen;

pub use bus::RedisEventBus;
