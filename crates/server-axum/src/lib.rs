//! Waypost over HTTP: REST v1 and redirects, on axum and hyper.
//!
//! A request comes in through one door, the [`Gateway`]. It answers a follow (`GET /{slug}`) on the spot, and hands
//! everything else through the layers of [`gateway`] to a route of the one table in `routes`. A handler
//! there extracts, calls one service of `waypost_core`, and maps what comes back; it owns no rule.
//!
//! [`router`] gives all of it as an `axum::Router` for a program of your own; [`serve()`] runs it on a listener, with
//! limits and a drain.

pub mod error;
pub mod gateway;
pub mod proxy;

mod api;
mod app;
mod cookies;
mod door;
mod extract;
mod follow;
mod guard;
mod openapi;
mod reply;
mod routes;
mod serve;

#[cfg(test)]
mod live_tests;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use waypost_core::{Error, Platform};

pub use api::{Own, OwnRoute};
pub use app::{App, HttpOptions};
pub use door::Gateway;
pub use openapi::openapi;
pub use serve::tls;
pub use serve::{LongLived, Options as ServeOptions, serve};

/// Everything that Waypost answers, as a router to be merged into, or nested beside, routes of your own.
///
/// Its fallback is the redirect: a path that no route of yours takes is a slug.
///
/// Behind a proxy, or where the peer's address is not in the request's extensions as
/// `axum::extract::ConnectInfo<SocketAddr>`, name the proxies in [`HttpOptions::trusted_proxies`] and serve with
/// `into_make_service_with_connect_info`, or every visitor has the address `0.0.0.0`.
///
/// # Errors
/// [`Kind::Invalid`](waypost_core::Kind::Invalid) for options that are none, say an origin that is not one.
pub fn router(platform: Arc<Platform>, options: HttpOptions) -> Result<axum::Router, Error> {
    let gateway = Gateway::new(App::new(platform, options, None))?;
    Ok(axum::Router::new().fallback_service(gateway))
}
