//! Routes on their way out.

use std::sync::Arc;

use axum::extract::State;
use http::{Method, StatusCode};
use waypost_core::wire::v1;

use crate::app::App;
use crate::extract::Caller;
use crate::gateway::deprecation::Usage;
use crate::reply::{self, Reply};

/// Callers that are named for one route, those with most calls first.
const NAMED: usize = 100;

pub(super) async fn list(State(app): State<Arc<App>>, Caller(who): Caller) -> Reply {
    let usage = app.farewell.usage_of(who.workspace);
    let mut data: Vec<_> = Vec::new();
    for route in app.paths.get().into_iter().flat_map(|paths| paths.iter()) {
        for (number, (methods, deprecation)) in route.farewells().iter().enumerate() {
            let is_own = |row: &&Usage| &*row.route == route.template() && row.farewell == number;
            let (callers, other_calls) = callers(usage.iter().filter(is_own));
            data.push(v1::Deprecation {
                path: route.template().to_owned(),
                methods: methods.iter().filter(|method| **method != Method::OPTIONS).map(ToString::to_string).collect(),
                since: deprecation.since().into(),
                sunset: deprecation.sunset().map(Into::into),
                link: deprecation.url().to_owned(),
                callers,
                other_calls,
            });
        }
    }
    data.sort_by(|a, b| (&a.path, &a.methods).cmp(&(&b.path, &b.methods)));
    let page = v1::Page { data, next_cursor: None, has_more: false };
    Ok(reply::respond(reply::json(StatusCode::OK, &page)))
}

/// Those that are named, and the calls of the rest.
fn callers<'a>(rows: impl Iterator<Item = &'a Usage>) -> (Vec<v1::DeprecationCaller>, u64) {
    let (mut named, mut others) = (Vec::new(), 0);
    for row in rows {
        match &row.caller {
            Some(caller) => named.push(v1::DeprecationCaller {
                principal: caller.to_string(),
                calls: row.calls,
                last_seen: row.last_seen.into(),
            }),
            None => others += row.calls,
        }
    }
    named.sort_by(|a, b| b.calls.cmp(&a.calls).then_with(|| a.principal.cmp(&b.principal)));
    let rest = named.split_off(named.len().min(NAMED));
    (named, others + rest.iter().map(|caller| caller.calls).sum::<u64>())
}
