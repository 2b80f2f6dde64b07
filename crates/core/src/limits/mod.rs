//! Rate limits: how much is allowed in how much time (§7).

mod plan;
mod policy;
mod port;
mod state;

#[cfg(feature = "services")]
mod service;

pub use plan::{API, Plan, Plans, SIGN_INS, WEBHOOK_REGISTRATIONS, WORKSPACE};
pub use policy::{Algorithm, Decision, InvalidPolicy, Policy, Standing, State, WhenAway};
pub use port::RateLimiter;

#[cfg(feature = "services")]
pub use service::Limits;
