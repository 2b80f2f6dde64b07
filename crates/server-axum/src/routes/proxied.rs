//! Routes of the configuration, which lead to servers elsewhere.

use std::sync::Arc;
use std::time::Duration;

use axum::routing::{MethodFilter, on_service};

use super::route::{Doc, Route, Rules};
use crate::app::App;
use crate::gateway::routes::{Dialect, Kind};
use crate::proxy::config;
use crate::proxy::table::Table;

/// By how much the common deadline of a path lies behind those of its routes: these tell who was too slow, and the common
/// one is there in case they do not.
const BEHIND: Duration = Duration::from_secs(5);

/// The configured routes, one for each method, as entries of the one table.
pub(crate) fn proxied(table: &Table) -> impl Iterator<Item = Route<Arc<App>>> + '_ {
    table.routes().flat_map(|(planned, forward)| {
        planned.methods.iter().filter_map(move |method| {
            let rules = Rules {
                access: match planned.access {
                    config::Access::Public => super::Access::Public,
                    config::Access::Scope(scope) => super::Access::Scope(scope),
                },
                body: None,
                produces: Vec::new(),
                takes_ticket: false,
                takes_query: true,
                is_streamed: true,
                policy: planned.policy.clone().map(Into::into),
            };
            Some(Route {
                method: method.clone(),
                path: planned.route.path.clone().into(),
                rules,
                doc: Doc::default(),
                farewell: None,
                dialect: Dialect::default(),
                kind: match planned.route.kind {
                    config::RouteKind::Unary => Kind::Unary,
                    config::RouteKind::Stream => Kind::Stream,
                    config::RouteKind::Upgrade => Kind::Upgrade,
                },
                time_limit: Some(planned.route.timeout.get() + BEHIND),
                handler: on_service(MethodFilter::try_from(method.clone()).ok()?, forward.clone()),
            })
        })
    })
}
