//! Rate, errors and duration of every route, through the `metrics` facade.
//!
//! | name | kind | labels | tells |
//! |---|---|---|---|
//! | `waypost_http_requests_total` | counter | `route`, `method`, `status` | requests that were answered |
//! | `waypost_http_request_duration_seconds` | histogram | `route` | from the request's head to the head of the answer |
//! | `waypost_http_requests_in_flight` | gauge | | requests that wait for the head of their answer |
//! | `waypost_deprecated_requests_total` | counter | `route` | calls of routes that are on their way out |
//! | `waypost_headers_removed_total` | counter | `kind` | headers that no client may send: `identity`, `forwarding`, `underscore` |
//! | `waypost_requests_shed_total` | counter | `by` | refused since too many are in flight: of the `server`, of one `address` |
//! | `waypost_answers_cut_total` | counter | | unary answers that were not read in time |
//!
//! Labels are bounded: the route is its template (`unmatched` for all other paths), a method that HTTP does not define
//! is `OTHER`. An answer given up by its caller is not counted here; the access log has it.
//!
//! [`MetricsExporter`] collects them for Prometheus. A program that has a recorder of its own leaves it out, and gets the
//! same names there.
//!
//! Alone, on a foreign axum router:
//!
//! ```
//! use std::sync::Arc;
//! use axum::{Router, middleware};
//! use waypost_core::clock::SystemClock;
//! use waypost_server_axum::gateway::metrics::{self, RequestMetrics};
//!
//! let metrics = RequestMetrics::new(Arc::new(SystemClock));
//! let router: Router = Router::new().layer(middleware::from_fn_with_state(metrics, metrics::measure));
//! ```

mod exporter;
mod histogram;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{Method, StatusCode};
use metrics::{Counter, Gauge, Histogram};
use waypost_core::clock::Clock;

use super::context::elapsed;
use super::routes;

pub use exporter::{AlreadyRecorded, MetricsExporter};

/// The names of this module's metrics.
pub mod names {
    /// Counter.
    pub const REQUESTS: &str = "waypost_http_requests_total";
    /// Histogram.
    pub const DURATION: &str = "waypost_http_request_duration_seconds";
    /// Gauge.
    pub const IN_FLIGHT: &str = "waypost_http_requests_in_flight";
    /// Counter.
    pub const DEPRECATED: &str = "waypost_deprecated_requests_total";
    /// Counter.
    pub const HEADERS_REMOVED: &str = "waypost_headers_removed_total";
    /// Counter.
    pub const SHED: &str = "waypost_requests_shed_total";
    /// Counter.
    pub const ANSWERS_CUT: &str = "waypost_answers_cut_total";
    /// Counter.
    pub const CONNECTIONS_CUT: &str = "waypost_connections_cut_total";
    /// Counter.
    pub const HANDSHAKES_FAILED: &str = "waypost_tls_handshakes_failed_total";
}

/// The label of a method: one for all that HTTP does not define, since callers make them up.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::TRACE => "TRACE",
        Method::CONNECT => "CONNECT",
        _ => "OTHER",
    }
}

fn requests(route: &Arc<str>, method: &'static str, status: StatusCode) -> Counter {
    metrics::counter!(names::REQUESTS, "route" => route.clone(), "method" => method, "status" => status.as_str().to_owned())
}

/// Measures the requests of a router.
#[derive(Clone, Debug)]
pub struct RequestMetrics {
    clock: Arc<dyn Clock>,
}

impl RequestMetrics {
    /// Takes its time from `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock }
    }
}

/// One more in flight until it is dropped.
struct InFlight(Gauge);

impl InFlight {
    fn enter() -> Self {
        let gauge = metrics::gauge!(names::IN_FLIGHT);
        gauge.increment(1);
        Self(gauge)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}

/// Measures a request.
pub async fn measure(State(state): State<RequestMetrics>, request: Request, next: Next) -> Response {
    let (route, method) = (routes::label(&request), method_label(request.method()));
    let started = state.clock.now();
    let in_flight = InFlight::enter();
    let response = next.run(request).await;
    drop(in_flight);
    requests(&route, method, response.status()).increment(1);
    let duration = elapsed(started, state.clock.now());
    metrics::histogram!(names::DURATION, "route" => route).record(duration);
    response
}

/// The same numbers for one hot route, its handles looked up once.
///
/// Make it after the recorder was installed: handles stay with the recorder that they were made by.
pub struct RouteMeter {
    route: Arc<str>,
    /// By method and status; the rest is looked up each time.
    known: [[OnceLock<Counter>; Self::STATUSES.len()]; 2],
    duration: Histogram,
}

impl RouteMeter {
    const STATUSES: [u16; 11] = [200, 301, 302, 303, 304, 307, 308, 404, 410, 429, 503];

    /// A meter of `route`.
    pub fn new(route: &str) -> Self {
        let route = Arc::<str>::from(route);
        let duration = metrics::histogram!(names::DURATION, "route" => route.clone());
        Self { route, known: std::array::from_fn(|_| std::array::from_fn(|_| OnceLock::new())), duration }
    }

    /// Records one answer: a few atomic operations, no allocation for the usual statuses.
    pub fn record(&self, method: &Method, status: StatusCode, duration: Duration) {
        self.duration.record(duration);
        let label = method_label(method);
        let row = match label {
            "GET" => Some(0),
            "HEAD" => Some(1),
            _ => None,
        };
        let column = Self::STATUSES.iter().position(|known| *known == status.as_u16());
        match row.zip(column) {
            Some((row, column)) => {
                self.known[row][column].get_or_init(|| requests(&self.route, label, status)).increment(1)
            }
            None => requests(&self.route, label, status).increment(1),
        }
    }
}

impl std::fmt::Debug for RouteMeter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RouteMeter").field("route", &self.route).finish_non_exhaustive()
    }
}
