//! Forwarding one request to an upstream, and its answer back.
//!
//! [`Forward`] is a tower service. It
//!
//! - refuses a path that a server behind could read in another way than the routes in front ([`path`]);
//! - removes what is for one hop alone, both ways ([`hop`]);
//! - says for whom it asks, and drops what the caller wrote there itself ([`forwarded`], [`identity`]);
//! - streams both bodies, holding no more than one frame of each, within a bound ([`intake`], [`reply`]);
//! - asks again where that does no harm ([`retry`]), within the upstream's budget;
//! - lets a connection become a WebSocket ([`upgrade`]).
//!
//! A caller that leaves ends the request to the target as well. Faults are answered in the one error shape:
//! 503 `UNAVAILABLE` with `Retry-After` where no target could be asked, 502 `UPSTREAM_FAILED` where one broke off before
//! its answer, 504 `UPSTREAM_TIMEOUT` where one took too long, 413 for a body above the limit, 408 for one that came too
//! slowly. Answers of the target pass as they are, errors too.
//!
//! What does not pass: `CONNECT` and upgrades over HTTP/2 (RFC 8441), informational answers such as 103, and trailers to
//! HTTP/1.1 callers that did not send `TE: trailers` or were not told of them by `Trailer`.
//!
//! On a foreign stack:
//!
//! ```
//! use std::sync::Arc;
//!
//! use axum::Router;
//! use waypost_server_axum::proxy::config::{Section, Vocabulary, check};
//! use waypost_server_axum::proxy::forward::{Edge, Forward, Rule};
//! use waypost_server_axum::proxy::upstream::Upstream;
//!
//! let section = Section::read(serde_json::json!({
//!     "version": 1,
//!     "upstreams": [{"name": "shop", "targets": [{"url": "http://127.0.0.1:9000"}]}],
//! }))
//! .expect("a right form");
//! let plan = check(&section, &Vocabulary::default()).expect("known words");
//! let shop = Arc::new(Upstream::build(&plan.upstreams[0], None)?);
//! let router: Router = Router::new().route_service("/shop/{*rest}", Forward::new(shop, Rule::default(), Edge::default()));
//! # Ok::<(), String>(())
//! ```

pub mod forwarded;
pub mod hop;
pub mod identity;
pub mod intake;
mod neighbours;
pub mod path;
mod refusals;
pub mod reply;
pub mod retry;
mod service;
pub mod upgrade;

pub use identity::{PRINCIPAL, Vouch, VouchByToken, VouchForNobody};
pub use neighbours::Neighbours;
pub use service::{Edge, Forward, Rule};
pub use upgrade::Tunnels;
