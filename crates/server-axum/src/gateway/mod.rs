//! What stands in front of the API: one chain, from the outside in.
//!
//! | layer | why at this depth |
//! |---|---|
//! | [`context`] | everything within names the request: its id, its trace, its caller |
//! | [`hygiene`] | before anything within reads a header; the address was read just now |
//! | [`routes`] | one look-up in the table, for all layers that need the route |
//! | [`access_log`] | sees the final status, code and bytes, refusals of every layer included |
//! | [`metrics`] | counts what the log tells |
//! | [`security_headers`] | what browsers are told of every answer, by its final content type |
//! | [`envelope`] | gives every error its shape, whoever raised it; the headers that others set survive |
//! | [`deprecation`] | its headers stand on refusals too |
//! | [`rate_headers`] | likewise: 429s, time-outs and preflights say how things stand |
//! | [`cors`] | a browser must be able to read every error, also that of the limit |
//! | [`limit::by_address`] | the assembler's: before anything that costs, preflights included |
//! | [`deprecation::end`] | after the sunset nothing within is asked |
//! | [`host`] | before anything is answered on behalf of a host |
//! | [`options`] | a preflight has no credentials and takes no permit; every 405 gets its `Allow` |
//! | [`catch_panic`] | so that a panic is an error like any other for all of the above |
//! | [`head_limits`] | cheap, and before a permit is taken |
//! | [`admission`] | overload is refused before the body is read; the permit stays until the answer's body ends, or its handler gives the place back |
//! | [`deadline`] | innermost: its time is the handler's and the request body's, not the queue's |
//!
//! Between the router and each handler, by what the route declares (`guard.rs` uses them as functions):
//!
//! | layer | why at this depth |
//! |---|---|
//! | [`authentication`] | who is it; a path or method that is not there is told to anybody. Asks [`csrf`] where a cookie is believed |
//! | [`limit::by_principal`] | how often, of whom it is; before their request costs more |
//! | [`authorization`] | may they; those who may not have asked all the same |
//! | [`idempotency`] | carried out once, for those who may |
//!
//! [`stack`] puts them together. Each is an ordinary `axum::middleware` function or a tower layer, and works alone on a
//! foreign router; its module shows how. Layers tell each other what they know through extensions:
//! [`RequestContext`](context::RequestContext) and [`RateLedger`](rate_headers::RateLedger) on the request,
//! [`ApiError`](crate::error::ApiError) on the response.
//!
//! The redirect does not run through this chain: it takes what it needs as plain functions
//! ([`ContextSource::tag`](context::ContextSource::tag), [`HeadLimits::check`](head_limits::HeadLimits::check),
//! [`RouteMeter`](metrics::RouteMeter), [`AccessLine`](access_log::AccessLine),
//! [`Envelope::apply`](envelope::Envelope::apply)).

pub mod access_log;
pub mod admission;
pub mod authentication;
pub mod authorization;
pub mod catch_panic;
pub mod client_address;
pub mod context;
pub mod cors;
pub mod csrf;
pub mod deadline;
pub mod deprecation;
pub mod envelope;
pub mod head_limits;
pub mod host;
pub mod hygiene;
pub mod idempotency;
pub mod limit;
pub mod metrics;
pub mod options;
pub mod rate_headers;
pub mod request_id;
pub mod routes;
pub mod security_headers;
pub mod traceparent;
pub mod watched;

#[cfg(test)]
mod tests;

use std::convert::Infallible;

use axum::extract::Request;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::{Router, body::Body};
use tower::layer::util::Identity;
use tower::{Layer, Service, ServiceBuilder};

/// What the chain is made of; all parts are required.
#[derive(Clone, Debug)]
pub struct Chain {
    /// Ids, callers' addresses, and the clock of all layers.
    pub context: context::ContextSource,
    /// Which headers no client may send.
    pub hygiene: hygiene::Hygiene,
    /// The routes that the router has.
    pub routes: routes::RouteTable,
    /// What browsers are told.
    pub security: security_headers::SecurityHeaders,
    /// Renders errors.
    pub envelope: envelope::Envelope,
    /// Sees routes off.
    pub farewell: deprecation::Farewell,
    /// The origins that may call from browsers.
    pub cors: cors::Cors,
    /// How large a head may be.
    pub head_limits: head_limits::HeadLimits,
    /// How many may be in flight.
    pub admission: admission::Admission,
    /// How long each may take.
    pub deadline: deadline::Deadline,
}

/// Wraps a router into the chain.
pub fn stack(router: Router, chain: Chain) -> Router {
    stack_with(router, chain, Identity::new())
}

/// Wraps a router into the chain, with `limit` where the limit by address belongs.
pub fn stack_with<L>(router: Router, chain: Chain, limit: L) -> Router
where
    L: Layer<axum::routing::Route> + Clone + Send + Sync + 'static,
    L::Service: Service<Request> + Clone + Send + Sync + 'static,
    <L::Service as Service<Request>>::Response: IntoResponse + 'static,
    <L::Service as Service<Request>>::Error: Into<Infallible> + 'static,
    <L::Service as Service<Request>>::Future: Send + 'static,
{
    let clock = chain.context.clock().clone();
    let within = ServiceBuilder::new()
        .layer(from_fn_with_state(chain.farewell.clone(), deprecation::end))
        .layer(from_fn(host::check))
        .layer(from_fn_with_state(chain.routes.clone(), options::answer))
        .map_response(|response: Response<_>| response.map(Body::new))
        .layer(catch_panic::layer())
        .layer(from_fn_with_state(chain.head_limits, head_limits::check))
        .layer(from_fn_with_state(chain.admission, admission::admit))
        .layer(from_fn_with_state(chain.deadline, deadline::enforce));
    let around = ServiceBuilder::new()
        .layer(from_fn_with_state(chain.context, context::establish))
        .layer(from_fn_with_state(chain.hygiene, hygiene::clean))
        .layer(from_fn_with_state(chain.routes, routes::resolve))
        .layer(from_fn_with_state(access_log::AccessLog::new(clock.clone()), access_log::log))
        .layer(from_fn_with_state(metrics::RequestMetrics::new(clock.clone()), metrics::measure))
        .layer(from_fn_with_state(chain.security, security_headers::stamp))
        .layer(from_fn_with_state(chain.envelope, envelope::render))
        .layer(from_fn_with_state(chain.farewell, deprecation::announce))
        .layer(from_fn_with_state(rate_headers::RateHeaders::new(clock), rate_headers::stamp))
        .layer(from_fn_with_state(chain.cors, cors::share));
    router.layer(within).layer(limit).layer(around)
}
