//! One line a request, under the target `waypost::access`.
//!
//! Written when the response's body has ended, so that it knows the bytes and the whole time; a caller that leaves before
//! the answer is logged with status 499. The path is logged without its query, which may hold secrets. Level `INFO`, for
//! 5xx `ERROR`; the reason of a fault stands in the same line, and nowhere else.
//!
//! [`AccessLine`] is the line itself, for paths that do not run through layers.
//!
//! Alone, on a foreign axum router, within [`context::establish`](super::context::establish):
//!
//! ```
//! use std::sync::Arc;
//! use axum::{Router, middleware};
//! use waypost_core::clock::SystemClock;
//! use waypost_server_axum::gateway::{access_log::{self, AccessLog}, context::{self, ContextSource}};
//!
//! let router: Router = Router::new()
//!     .layer(middleware::from_fn_with_state(AccessLog::new(Arc::new(SystemClock)), access_log::log))
//!     .layer(middleware::from_fn_with_state(ContextSource::default(), context::establish));
//! ```

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{Method, StatusCode};
use tracing::Level;
use waypost_core::clock::Clock;

use super::client_address::ClientAddress;
use super::context::{Caller, RequestContext, elapsed};
use super::routes;
use super::watched::{Watch, Watched};
use crate::error::ApiError;

/// The target of every line.
pub const TARGET: &str = "waypost::access";

/// What the status says of a caller that left before the answer. No response has it.
const CLIENT_LEFT: u16 = 499;

/// As much of a path as a line shows.
const PATH: usize = 512;

/// A line of the log.
#[derive(Clone, Copy, Debug)]
pub struct AccessLine<'a> {
    /// The request's method.
    pub method: &'a str,
    /// The route as the router has it.
    pub route: &'a str,
    /// The path, without its query.
    pub path: &'a str,
    /// The status of the answer.
    pub status: u16,
    /// From the request's head to the end of the answer.
    pub duration: Duration,
    /// Bytes of the answer's body.
    pub bytes: u64,
    /// The request's id.
    pub request_id: &'a str,
    /// The caller's address.
    pub client: ClientAddress,
    /// Who it was, if known.
    pub caller: Option<Caller>,
    /// The error's code, if it was refused.
    pub code: Option<&'a str>,
    /// Why, if it was refused.
    pub reason: Option<&'a str>,
    /// Whether it is told at the level of details: one of very many that went well.
    pub is_detail: bool,
}

impl AccessLine<'_> {
    /// Whether anybody listens; ask before a line is put together.
    pub fn is_wanted(status: u16, is_detail: bool) -> bool {
        match (status, is_detail) {
            (500.., _) => tracing::enabled!(target: TARGET, Level::ERROR),
            (_, false) => tracing::enabled!(target: TARGET, Level::INFO),
            (_, true) => tracing::enabled!(target: TARGET, Level::DEBUG),
        }
    }

    /// Writes the line.
    pub fn write(&self) {
        let duration_us = u64::try_from(self.duration.as_micros()).unwrap_or(u64::MAX);
        let path = self.path.char_indices().nth(PATH).map_or(self.path, |(end, _)| &self.path[..end]);
        let workspace = self.caller.map(|caller| tracing::field::display(caller.workspace));
        let actor = self.caller.map(|caller| tracing::field::display(caller.actor));
        macro_rules! line {
            ($level:expr) => {
                tracing::event!(
                    target: TARGET, $level,
                    method = self.method, route = self.route, path, status = self.status, duration_us,
                    bytes = self.bytes, request_id = self.request_id, client = %self.client,
                    workspace, actor, code = self.code, reason = self.reason,
                )
            };
        }
        match (self.status, self.is_detail) {
            (500.., _) => line!(Level::ERROR),
            (_, false) => line!(Level::INFO),
            (_, true) => line!(Level::DEBUG),
        }
    }
}

/// Writes the lines of a router.
#[derive(Clone, Debug)]
pub struct AccessLog {
    clock: Arc<dyn Clock>,
}

impl AccessLog {
    /// A log that takes its time from `clock`, the one that the requests' contexts were made with.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock }
    }
}

/// A line to be, written when it is dropped: with the answer's body, or with the caller.
struct Pending {
    log: AccessLog,
    context: RequestContext,
    method: Method,
    route: Arc<str>,
    path: Box<str>,
    status: u16,
    bytes: u64,
    error: Option<ApiError>,
}

impl Watch for Pending {
    fn sent(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes as u64);
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !AccessLine::is_wanted(self.status, false) {
            return;
        }
        let reason = self.error.as_ref().and_then(ApiError::reason);
        AccessLine {
            method: self.method.as_str(),
            route: &self.route,
            path: &self.path,
            status: self.status,
            duration: elapsed(self.context.started(), self.log.clock.now()),
            bytes: self.bytes,
            request_id: self.context.id().as_str(),
            client: self.context.client(),
            caller: self.context.caller(),
            code: self.error.as_ref().map(|error| error.code().as_str()),
            reason: reason.as_deref(),
            is_detail: false,
        }
        .write();
    }
}

/// Logs a request.
pub async fn log(State(log): State<AccessLog>, request: Request, next: Next) -> Response {
    let Some(context) = request.extensions().get::<RequestContext>().cloned() else {
        return next.run(request).await;
    };
    let mut line = Pending {
        log,
        context,
        method: request.method().clone(),
        route: routes::label(&request),
        path: request.uri().path().into(),
        status: CLIENT_LEFT,
        bytes: 0,
        error: None,
    };
    let response = next.run(request).await;
    line.status = response.status().as_u16();
    line.error = response.extensions().get::<ApiError>().cloned();
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return response;
    }
    Watched::wrap(response, line)
}
