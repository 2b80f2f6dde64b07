//! Rate limits in PostgreSQL.

mod limiter;
mod rounds;
mod state;

pub use limiter::PostgresRateLimiter;
