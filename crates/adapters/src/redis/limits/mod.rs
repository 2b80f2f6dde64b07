//! Limits that every node shares.

mod limiter;
mod skew;
mod state;

pub use limiter::RedisRateLimiter;
