//! Farewell to a route (§8): `Deprecation` (RFC 9745), `Sunset` (RFC 8594), `Link`, and after the sunset 410.
//!
//! One [`Deprecation`] stands beside the route in the table; headers, the OpenAPI flag and the 410 all come from it. The
//! layer stands around every refusal, so that a 429 of such a route says it too.
//!
//! Alone, on a foreign axum router, with `routes::resolve` around it:
//!
//! ```
//! use axum::{Router, middleware};
//! use http::Method;
//! use waypost_server_axum::gateway::deprecation::{self, Deprecation, Farewell};
//! use waypost_server_axum::gateway::routes::{self, Route, RouteTable};
//!
//! let going = Deprecation::new("2026-01-01T00:00:00Z".parse()?, "https://links.example/docs/farewell")?
//!     .with_sunset("2026-09-01T00:00:00Z".parse()?)?;
//! let table: RouteTable = [Route::new("/old", [Method::GET]).deprecated(going)].into_iter().collect();
//! let router: Router = Router::new()
//!     .layer(middleware::from_fn_with_state(Farewell::default(), deprecation::announce))
//!     .layer(middleware::from_fn_with_state(table, routes::resolve));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::LINK;
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::{SignedDuration, Timestamp};
use waypost_core::clock::{Clock, SystemClock};
use waypost_core::wire::v1::ErrorCode;

use super::context::{Caller, RequestContext};
use super::metrics::names;
use super::routes;
use crate::error::ApiError;

const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
const SUNSET: HeaderName = HeaderName::from_static("sunset");

/// Half a year: what callers are promised between the announcement and the end.
const NOTICE: SignedDuration = SignedDuration::from_hours(24 * 182);

/// Since when a route is on its way out, until when it works, and where to read about it.
#[derive(Clone, Debug)]
pub struct Deprecation {
    since: Timestamp,
    sunset: Option<Timestamp>,
    link: HeaderValue,
}

/// Why a declaration is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDeprecation {
    /// The sunset comes too soon.
    #[error("a sunset is at least six months (182 days) after the deprecation")]
    TooSoon,
    /// The link cannot stand in a header.
    #[error("a deprecation's link is a URL without spaces, quotes, `<` and `>`")]
    Link,
}

impl Deprecation {
    /// Deprecated since a moment; `link` is the page that says what to use instead.
    ///
    /// # Errors
    /// [`InvalidDeprecation::Link`].
    pub fn new(since: Timestamp, link: &str) -> Result<Self, InvalidDeprecation> {
        let plain = |b: u8| b.is_ascii_graphic() && !matches!(b, b'<' | b'>' | b'"');
        if link.is_empty() || !link.bytes().all(plain) {
            return Err(InvalidDeprecation::Link);
        }
        let link = HeaderValue::from_str(&format!("<{link}>; rel=\"deprecation\""));
        Ok(Self { since, sunset: None, link: link.map_err(|_| InvalidDeprecation::Link)? })
    }

    /// Answers with 410 from this moment on.
    ///
    /// # Errors
    /// [`InvalidDeprecation::TooSoon`].
    pub fn with_sunset(self, sunset: Timestamp) -> Result<Self, InvalidDeprecation> {
        if sunset.duration_since(self.since) < NOTICE {
            return Err(InvalidDeprecation::TooSoon);
        }
        Ok(Self { sunset: Some(sunset), ..self })
    }

    /// Whether it is over.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.sunset.is_some_and(|sunset| sunset <= now)
    }

    /// Says so in the headers of an answer.
    pub fn stamp(&self, headers: &mut HeaderMap) {
        let since = format!("@{}", self.since.as_second());
        for (name, value) in [(DEPRECATION, Some(since)), (SUNSET, self.sunset.and_then(http_date))] {
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
                headers.insert(name, value);
            }
        }
        headers.append(LINK, self.link.clone());
    }
}

/// IMF-fixdate (RFC 9110 §5.6.7); `None` beyond the years that it can write.
fn http_date(at: Timestamp) -> Option<String> {
    jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&at).ok()
}

/// So many calls of one caller to one route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// The route.
    pub route: Box<str>,
    /// Who called; `None` for those who were not known.
    pub caller: Option<String>,
    /// How often since this process started.
    pub calls: u64,
}

/// Calls by route and caller.
type Calls = BTreeMap<(Box<str>, Option<String>), u64>;

/// Sees routes off, and counts who still calls them.
#[derive(Clone, Debug)]
pub struct Farewell {
    clock: Arc<dyn Clock>,
    usage: Arc<Mutex<Calls>>,
}

impl Default for Farewell {
    fn default() -> Self {
        Self::new(Arc::new(SystemClock))
    }
}

impl Farewell {
    /// More callers than this are counted together as unknown: memory stays bounded.
    const CALLERS: usize = 10_000;

    /// Takes its time from `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, usage: Arc::default() }
    }

    /// Who called what, for the operator.
    pub fn usage(&self) -> Vec<Usage> {
        let usage = self.usage.lock().unwrap_or_else(PoisonError::into_inner);
        let row = |((route, caller), calls): (&(Box<str>, Option<String>), &u64)| Usage {
            route: route.clone(),
            caller: caller.clone(),
            calls: *calls,
        };
        usage.iter().map(row).collect()
    }

    fn count(&self, route: &str, caller: Option<Caller>) {
        metrics::counter!(names::DEPRECATED, "route" => route.to_owned()).increment(1);
        let mut usage = self.usage.lock().unwrap_or_else(PoisonError::into_inner);
        let mut entry = (route.into(), caller.map(|caller| caller.key.to_string()));
        if usage.len() >= Self::CALLERS && !usage.contains_key(&entry) {
            entry.1 = None;
        }
        *usage.entry(entry).or_default() += 1;
    }
}

/// Announces the end of a route on each of its answers; afterwards answers 410.
pub async fn announce(State(farewell): State<Farewell>, request: Request, next: Next) -> Response {
    let Some(route) = routes::of(&request).cloned() else { return next.run(request).await };
    let Some(deprecation) = route.deprecation(request.method()) else { return next.run(request).await };
    let context = request.extensions().get::<RequestContext>().cloned();
    let mut response = if deprecation.is_over(farewell.clock.now()) {
        ApiError::new(ErrorCode::Gone, "This route is past its sunset").with_reason("past its sunset").into_response()
    } else {
        next.run(request).await
    };
    deprecation.stamp(response.headers_mut());
    farewell.count(route.template(), context.and_then(|context| context.caller()));
    response
}
