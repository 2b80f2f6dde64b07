//! The API: the table of routes, behind the guard of each, behind the gateway's chain.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use http::Method;
use waypost_core::credentials::Scope;
use waypost_core::wire::v1::ErrorCode;
use waypost_core::{Error, Issue};

use crate::app::App;
use crate::error::ApiError;
use crate::gateway::admission::Admission;
use crate::gateway::cors::Cors;
use crate::gateway::deadline::Deadline;
use crate::gateway::deprecation::{Declared, Deprecation, InvalidFarewell};
use crate::gateway::head_limits::HeadLimits;
use crate::gateway::hygiene::Hygiene;
use crate::gateway::limit::{self, AddressLimit};
use crate::gateway::routes::{Dialect, Kind, Route, RouteTable};
use crate::gateway::{Chain, stack_with};
use crate::guard::{self, Guard};
use crate::proxy::table::Table;
use crate::routes::{self, Access};

/// Which of its own routes a server has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Own {
    /// All of them, and follows.
    #[default]
    All,
    /// Those that tell how the server is, the keys of its word, and what its errors mean; everything else leads elsewhere.
    Probes,
}

/// A route of the server's own, as a table of routes shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnRoute {
    /// The path.
    pub path: String,
    /// The method.
    pub method: Method,
    /// The scope that it demands; `None` for a public one.
    pub scope: Option<Scope>,
}

impl Own {
    fn has(self, route: &routes::Route<Arc<App>>) -> bool {
        self == Self::All || PROBES.contains(&&*route.path) || SIGNPOSTS.contains(&&*route.path)
    }

    /// The routes, without the follow.
    pub fn routes(self) -> Vec<OwnRoute> {
        let own = routes::table().into_iter().filter(|route| self.has(route)).map(|route| OwnRoute {
            path: route.path.into_owned(),
            method: route.method,
            scope: match route.rules.access {
                Access::Public | Access::Session => None,
                Access::Scope(scope) => Some(scope),
            },
        });
        own.collect()
    }
}

/// The server's own routes and those of `proxied`, behind the layers.
///
/// # Errors
/// [`Kind::Invalid`](waypost_core::Kind::Invalid) for an origin that is none, and a farewell to a route that is not there.
pub(crate) fn api(app: &Arc<App>, own: Own, proxied: &Table, admission: Admission) -> Result<Router, Error> {
    let table = routes::table().into_iter().filter(|route| own.has(route));
    behind(app, table.chain(routes::proxied(proxied)).collect(), admission)
}

/// A table of routes behind the layers.
pub(crate) fn behind(
    app: &Arc<App>,
    table: Vec<routes::Route<Arc<App>>>,
    admission: Admission,
) -> Result<Router, Error> {
    let cors = Cors::new(&app.options.cors_origins)
        .map_err(|fault| Error::invalid(vec![Issue::new("cors_origins", fault.to_string())]))?;
    let fault = |fault: InvalidFarewell| Error::invalid(vec![Issue::new(fault.place, fault.fault)]);
    let paths = Declared::apply(&app.options.farewells, &paths(&table)).map_err(fault)?;
    // One app has one table; a second door to the same app serves the same routes.
    let _ = app.paths.set(paths.clone());
    let router = table.into_iter().fold(Router::new(), |router, route| {
        let guard = Guard::new(app, route.rules);
        // Around the handler alone: a method that the path does not have is 405 before anyone is asked who they are.
        router.route(&route.path, route.handler.route_layer(from_fn_with_state(guard, guard::check)))
    });
    let router = router.fallback(not_found).with_state(app.clone());
    let chain = Chain {
        context: app.contexts.clone(),
        routes: paths,
        hygiene: Hygiene::default()
            .with_proxies(app.options.trusted_proxies.clone())
            .and_identity(&app.options.identity_headers)
            .trust_gateway(app.options.trust_gateway),
        security: app.security.clone(),
        envelope: app.envelope.clone(),
        farewell: app.farewell.clone(),
        cors,
        head_limits: HeadLimits::default(),
        admission,
        deadline: Deadline::new(app.options.deadline).with_answer(app.options.answer_deadline),
    };
    let limit = AddressLimit { limits: app.platform.limits.clone(), policy: app.options.per_address.clone() };
    Ok(stack_with(router, chain, from_fn_with_state(limit, limit::by_address)))
}

async fn not_found() -> ApiError {
    ApiError::new(ErrorCode::NotFound, "There is no such route")
}

/// What a server tells of itself also where all else leads elsewhere: the keys that its word is verified with, and what
/// its errors mean.
const SIGNPOSTS: [&str; 3] = ["/.well-known/jwks.json", "/docs/errors", "/docs/errors/{code}"];

/// What is answered however much is in flight.
pub(crate) const PROBES: [&str; 3] = ["/livez", "/readyz", "/metrics"];

/// The paths with their methods, for `Allow`, farewells, and the labels of log and metrics.
fn paths(table: &[routes::Route<Arc<App>>]) -> RouteTable {
    let mut paths: BTreeMap<&str, Path> = BTreeMap::new();
    for route in table {
        let Path { methods, farewell, time_limit, dialect, kind } = paths.entry(&route.path).or_default();
        methods.push(route.method.clone());
        *dialect = route.dialect;
        // One kind and one deadline a path: those of its routes that allow for the most.
        *kind = (*kind).max(route.kind);
        *time_limit = (*time_limit).max(route.time_limit);
        if let Some(own) = &route.farewell {
            *farewell = Some(own.clone());
        }
    }
    let route = |(path, Path { methods, farewell, time_limit, dialect, kind }): (&str, Path)| {
        let route = Route::new(path, methods).speaking(dialect).with_kind(kind);
        let route = if let Some(limit) = time_limit { route.with_time_limit(limit) } else { route };
        let route = if PROBES.contains(&path) { route.probe() } else { route };
        match farewell {
            Some(farewell) => route.deprecated(farewell),
            None => route,
        }
    };
    paths.into_iter().map(route).collect()
}

/// What the routes of one path come to.
#[derive(Default)]
struct Path {
    methods: Vec<Method>,
    farewell: Option<Deprecation>,
    time_limit: Option<Duration>,
    dialect: Dialect,
    kind: Kind,
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::{Request, StatusCode};
    use tower::ServiceExt;
    use waypost_core::clock::{Clock, SystemClock};
    use waypost_core::links::{DestinationRules, Site};
    use waypost_core::{Platform, PlatformOptions};

    use super::*;
    use crate::app::HttpOptions;

    #[tokio::test]
    async fn a_route_on_its_way_out_says_so_and_is_gone_after_its_sunset() {
        let ports = crate::tests::ports();
        let site = Site::new("http://w.example", &[], DestinationRules::default()).unwrap();
        let platform = Platform::assemble(ports, site, PlatformOptions::default()).await.unwrap();
        let app = App::new(platform, HttpOptions::default(), None);
        let now = SystemClock.now();
        let day = std::time::Duration::from_secs(86_400);
        let farewell =
            |since, sunset| Deprecation::new(since, "https://w.example/docs").unwrap().with_sunset(sunset).unwrap();
        let route = |path, farewell| routes::Route::get(path, Access::Public, || async { "here" }).retires(farewell);
        let table = vec![
            route("/v1/old", farewell(now - day, now + 200 * day)),
            route("/v1/gone", farewell(now - 300 * day, now - day)),
        ];
        let api = behind(&app, table, Admission::default()).unwrap();
        let get = |path| api.clone().oneshot(Request::get(path).header("host", "x").body(Body::empty()).unwrap());
        let old = get("/v1/old").await.unwrap();
        assert_eq!(old.status(), StatusCode::OK);
        assert!(old.headers()["deprecation"].to_str().unwrap().starts_with('@'));
        assert!(old.headers()["sunset"].to_str().unwrap().ends_with("GMT"));
        assert!(old.headers()["link"].to_str().unwrap().contains("rel=\"deprecation\""));
        let gone = get("/v1/gone").await.unwrap();
        assert_eq!(gone.status(), StatusCode::GONE);
        assert!(gone.headers().contains_key("deprecation"), "errors say so too");
        assert_eq!(app.farewell.usage().len(), 2, "the operator can list the callers");
    }
}
