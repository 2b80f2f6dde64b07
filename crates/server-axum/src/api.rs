//! The API: the table of routes, behind the guard of each, behind the gateway's chain.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use http::Method;
use waypost_core::wire::v1::ErrorCode;
use waypost_core::{Error, Issue};

use crate::app::App;
use crate::gateway::admission::Admission;
use crate::gateway::cors::Cors;
use crate::gateway::deadline::Deadline;
use crate::gateway::deprecation::Farewell;
use crate::gateway::head_limits::HeadLimits;
use crate::gateway::routes::{Route, RouteTable};
use crate::gateway::{Chain, stack_with};
use crate::guard::{self, Guard};
use crate::error::ApiError;
use crate::routes;

/// The routes of the table behind the layers.
///
/// # Errors
/// [`Kind::Invalid`](waypost_core::Kind::Invalid) for an origin that is none.
pub(crate) fn api(app: &Arc<App>) -> Result<Router, Error> {
    let cors = Cors::new(&app.options.cors_origins)
        .map_err(|fault| Error::invalid(vec![Issue::new("cors_origins", fault.to_string())]))?;
    let router = routes::table().into_iter().fold(Router::new(), |router, route| {
        let guard = Guard { app: app.clone(), rules: Arc::new(route.rules) };
        // Around the handler alone: a method that the path does not have is 405 before anyone is asked who they are.
        router.route(route.path, route.handler.route_layer(from_fn_with_state(guard, guard::check)))
    });
    let router = router.fallback(not_found).with_state(app.clone());
    let chain = Chain {
        context: app.contexts.clone(),
        routes: paths(),
        envelope: app.envelope.clone(),
        farewell: Farewell::new(app.platform.clock.clone()),
        cors,
        head_limits: HeadLimits::default(),
        admission: Admission::new(app.options.most_in_flight),
        deadline: Deadline::new(app.options.deadline),
    };
    Ok(stack_with(router, chain, from_fn_with_state(app.clone(), guard::limit_address)))
}

async fn not_found() -> ApiError {
    ApiError::new(ErrorCode::NotFound, "There is no such route")
}

/// The paths with their methods, for `Allow` and the labels of log and metrics.
fn paths() -> RouteTable {
    let mut paths: BTreeMap<&str, Vec<Method>> = BTreeMap::new();
    for route in routes::table() {
        paths.entry(route.path).or_default().push(route.method);
    }
    paths.into_iter().map(|(path, methods)| Route::new(path, methods)).collect()
}
