//! Announcing it, and counting who still calls.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use waypost_core::clock::{Clock, SystemClock};
use waypost_core::ids::WorkspaceId;
use waypost_core::wire::v1::ErrorCode;

use crate::error::ApiError;
use crate::gateway::context::{Caller, RequestContext};
use crate::gateway::metrics::names;
use crate::gateway::routes;

/// So many calls of one caller to one route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// The route.
    pub route: Box<str>,
    /// Which of the route's [farewells](routes::Route::farewells).
    pub farewell: usize,
    /// Whose caller it was; `None` for those who were not known.
    pub workspace: Option<WorkspaceId>,
    /// Who called; `None` for those who are not told apart: not known, or beyond the bound.
    pub caller: Option<Box<str>>,
    /// How often since this process started.
    pub calls: u64,
    /// When last.
    pub last_seen: Timestamp,
}

type Key = (Box<str>, usize, Option<WorkspaceId>, Option<Box<str>>);

/// How often, and when last.
type Calls = BTreeMap<Key, (u64, Timestamp)>;

/// Sees routes off, and counts who still calls them. Clones share the count.
#[derive(Clone, Debug)]
pub struct Farewell {
    clock: Arc<dyn Clock>,
    usage: Arc<Mutex<Calls>>,
    most: usize,
}

impl Default for Farewell {
    fn default() -> Self {
        Self::new(Arc::new(SystemClock))
    }
}

impl Farewell {
    /// Takes its time from `clock`. Tells 10,000 callers apart, of some 200 bytes each; more are counted together, by
    /// workspace as long as there are fewer than as many again.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, usage: Arc::default(), most: 10_000 }
    }

    /// Tells so many callers apart.
    #[must_use]
    pub fn with_most(self, most: usize) -> Self {
        Self { most, ..self }
    }

    /// Who called what, for the operator.
    pub fn usage(&self) -> Vec<Usage> {
        self.rows(|_| true)
    }

    /// Who of one workspace called what.
    pub fn usage_of(&self, workspace: WorkspaceId) -> Vec<Usage> {
        self.rows(|(_, _, own, _)| *own == Some(workspace))
    }

    fn rows(&self, wanted: impl Fn(&Key) -> bool) -> Vec<Usage> {
        let usage = self.usage.lock().unwrap_or_else(PoisonError::into_inner);
        let row = |(key, &(calls, last_seen)): (&Key, &(u64, Timestamp))| {
            let (route, farewell, workspace, caller) = key.clone();
            Usage { route, farewell, workspace, caller, calls, last_seen }
        };
        usage.iter().filter(|(key, _)| wanted(key)).map(row).collect()
    }

    fn count(&self, route: &str, farewell: usize, caller: Option<Caller>, now: Timestamp) {
        metrics::counter!(names::DEPRECATED, "route" => route.to_owned()).increment(1);
        let (workspace, key) = match caller {
            Some(caller) => (Some(caller.workspace), Some(caller.actor.to_string().into())),
            None => (None, None),
        };
        let mut usage = self.usage.lock().unwrap_or_else(PoisonError::into_inner);
        let mut entry: Key = (route.into(), farewell, workspace, key);
        for most in [self.most, 2 * self.most] {
            if usage.len() >= most && !usage.contains_key(&entry) {
                // First the caller is no longer told apart from its workspace, then the workspace from all others.
                match entry.3.take() {
                    Some(_) => {}
                    None => entry.2 = None,
                }
            }
        }
        let (calls, last_seen) = usage.entry(entry).or_insert((0, now));
        *calls += 1;
        *last_seen = now;
    }
}

/// Announces the end of a route on each of its answers, and counts its callers.
pub async fn announce(State(farewell): State<Farewell>, request: Request, next: Next) -> Response {
    let Some(route) = routes::of(&request).cloned() else { return next.run(request).await };
    let Some((number, deprecation)) = route.farewell(request.method()) else { return next.run(request).await };
    let context = request.extensions().get::<RequestContext>().cloned();
    let mut response = next.run(request).await;
    deprecation.stamp(response.headers_mut());
    let caller = context.and_then(|context| context.caller());
    farewell.count(route.template(), number, caller, farewell.clock.now());
    response
}

/// Answers 410 for a route past its sunset.
pub async fn end(State(farewell): State<Farewell>, request: Request, next: Next) -> Response {
    let deprecation = routes::of(&request).and_then(|route| route.deprecation(request.method()));
    if deprecation.is_some_and(|deprecation| deprecation.is_over(farewell.clock.now())) {
        let error = ApiError::new(ErrorCode::Gone, "This route is past its sunset");
        return error.with_reason("past its sunset").into_response();
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use waypost_core::credentials::Actor;

    use super::*;

    #[test]
    fn callers_beyond_the_bound_are_counted_as_others_and_memory_does_not_grow() {
        let farewell = Farewell::default().with_most(3);
        let now = SystemClock.now();
        let id = |number: u8| format!("01JD3X8M2V7Q5T9B4C6E8G0H{number:02}");
        let workspace = |number| format!("wsp_{}", id(number)).parse::<WorkspaceId>().unwrap();
        let actor = |key| Actor::parse(&format!("key_{}", id(key))).unwrap();
        let caller = |of, key| Caller { workspace: workspace(of), actor: actor(key) };
        for key in 0..50 {
            farewell.count("/old", 0, Some(caller(1, key)), now);
        }
        let own = farewell.usage_of(workspace(1));
        assert_eq!(own.iter().filter(|row| row.caller.is_some()).count(), 3);
        let others: Vec<_> = own.iter().filter(|row| row.caller.is_none()).collect();
        assert_eq!((others.len(), others[0].calls), (1, 47));
        for of in 2..60 {
            farewell.count("/old", 0, Some(caller(of, 1)), now);
        }
        assert!(farewell.usage().len() <= 7, "{}", farewell.usage().len());
        assert_eq!(farewell.usage().iter().map(|row| row.calls).sum::<u64>(), 108, "none is lost");
        assert_eq!(farewell.usage_of(workspace(1)).iter().map(|row| row.calls).sum::<u64>(), 50);
    }
}
