//! The egress guard: which addresses may be called on behalf of others, and a connector that keeps to it.
//!
//! Whoever lets strangers name an address lets them speak with the server's own voice to whatever that voice reaches:
//! neighbours, the machine itself, the metadata of its cloud. [`Guard`] decides by host, port and address and asks nobody.
//! [`GuardedConnector`] resolves a name once, has *every* address of it decided upon, and connects to those very
//! addresses; so neither a name that changes its mind between look and connect, nor a literal in a strange notation, gets
//! past it. It is a `tower` service from `Uri` to a connection, for the clients of hyper and for programs of one's own.
//!
//! What it refuses is told in the same words for every address, before any connection is tried, so nobody learns from it
//! what listens behind. No proxy of the environment is believed; a [`Proxy`] that is named gets the checked address, never
//! the name.
//!
//! ```
//! use waypost_adapters::egress::{AllowRule, Guard, GuardOptions};
//!
//! let guard = Guard::new(GuardOptions { allow: vec![AllowRule::parse("10.1.0.0/16:8080")?], ..GuardOptions::default() });
//! let target = guard.destination(&"http://intranet.example:8080/hook".parse()?)?;
//! assert!(guard.check(&target, &["10.1.2.3".parse()?]).is_ok());
//! assert!(guard.check(&target, &["10.1.2.3".parse()?, "10.2.0.1".parse()?]).is_err(), "one bad address refuses all");
//! assert!(guard.destination(&"http://[::ffff:127.0.0.1]/".parse()?).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod allow;
pub(crate) mod class;
mod connector;
mod denied;
mod dial;
mod error;
mod guard;
mod network;
mod proxy;
mod race;
mod resolve;
#[cfg(test)]
mod tests;

pub use allow::{AllowRule, InvalidAllowRule};
pub use class::EgressClass;
pub use connector::GuardedConnector;
pub use denied::denied;
pub use dial::{Dial, Direct};
pub use error::EgressError;
pub use guard::{Destination, Guard, GuardOptions, PORTS};
pub use network::{InvalidNetwork, Network};
pub use proxy::{InvalidProxy, Proxy};
pub use resolve::{Resolve, SystemResolver};
