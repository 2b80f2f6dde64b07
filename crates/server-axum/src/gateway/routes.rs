//! The table of routes, as far as the layers in front of the router need it: which methods a path has, how its route is
//! called in logs and metrics, how long it may take, and whether it is on its way out.
//!
//! [`resolve`] looks a path up once and leaves the [`Route`] in the request; `access_log`, `metrics`, `deadline`,
//! `options` and `deprecation` find it there.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderValue, Method};

use super::deprecation::Deprecation;

/// The label of a path that no route has: one for all, since callers make up paths without end.
pub const UNMATCHED: &str = "unmatched";

/// How a route answers, which decides what of it has a time limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// One request, one answer, both of them through within their times.
    #[default]
    Unary,
    /// An answer that goes on for as long as both sides like: timed up to its head.
    Stream,
    /// A connection that becomes another protocol's: timed up to the answer's head.
    Upgrade,
}

/// In which shape a route tells errors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// The one shape of §3.
    #[default]
    Waypost,
    /// That of RFC 6749 §5.2, which every OAuth client reads.
    OAuth,
}

/// One route.
#[derive(Clone, Debug)]
pub struct Route {
    template: Box<str>,
    methods: Vec<Method>,
    allow: HeaderValue,
    kind: Kind,
    time_limit: Option<Duration>,
    farewells: Vec<(Vec<Method>, Deprecation)>,
    is_probe: bool,
    dialect: Dialect,
}

impl Route {
    /// A route such as `/v1/links/{id}` or `/docs/{*page}`. `GET` brings `HEAD`, and every route has `OPTIONS`.
    pub fn new(template: impl Into<Box<str>>, methods: impl IntoIterator<Item = Method>) -> Self {
        let mut all: Vec<Method> = Vec::new();
        let mut add = |method: Method| {
            if !all.contains(&method) {
                all.push(method);
            }
        };
        for method in methods {
            let head = method == Method::GET;
            add(method);
            if head {
                add(Method::HEAD);
            }
        }
        add(Method::OPTIONS);
        let names: Vec<&str> = all.iter().map(Method::as_str).collect();
        let allow = HeaderValue::from_str(&names.join(", ")).unwrap_or(HeaderValue::from_static("OPTIONS"));
        Self {
            template: template.into(),
            methods: all,
            allow,
            kind: Kind::Unary,
            time_limit: None,
            farewells: Vec::new(),
            is_probe: false,
            dialect: Dialect::default(),
        }
    }

    /// The same route with its own deadline instead of the common one (a held poll).
    #[must_use]
    pub fn with_time_limit(self, limit: Duration) -> Self {
        Self { time_limit: Some(limit), ..self }
    }

    /// The same route of another kind.
    #[must_use]
    pub fn with_kind(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    /// The same route, on its way out with all its methods.
    #[must_use]
    pub fn deprecated(self, deprecation: Deprecation) -> Self {
        let methods = self.methods.clone();
        self.deprecated_for(methods, deprecation)
    }

    /// The same route, on its way out with these methods; `GET` takes `HEAD` along. What is said later wins.
    #[must_use]
    pub fn deprecated_for(mut self, methods: impl IntoIterator<Item = Method>, deprecation: Deprecation) -> Self {
        let mut methods: Vec<Method> = methods.into_iter().collect();
        if methods.contains(&Method::GET) && !methods.contains(&Method::HEAD) {
            methods.push(Method::HEAD);
        }
        self.farewells.insert(0, (methods, deprecation));
        self
    }

    /// The same route, answered however much is in flight: what balancers and operators ask must not fall silent when
    /// there is most to tell.
    #[must_use]
    pub fn probe(self) -> Self {
        Self { is_probe: true, ..self }
    }

    /// The same route, telling errors in this shape.
    #[must_use]
    pub fn speaking(self, dialect: Dialect) -> Self {
        Self { dialect, ..self }
    }

    /// In which shape it tells errors.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Whether it is answered however much is in flight.
    pub fn is_probe(&self) -> bool {
        self.is_probe
    }

    /// How it is written in the router; its label in logs and metrics.
    pub fn template(&self) -> &str {
        &self.template
    }

    /// Its methods, `HEAD` and `OPTIONS` included.
    pub fn methods(&self) -> &[Method] {
        &self.methods
    }

    /// Its methods as the value of `Allow`.
    pub fn allow(&self) -> &HeaderValue {
        &self.allow
    }

    /// Its own deadline.
    pub fn time_limit(&self) -> Option<Duration> {
        self.time_limit
    }

    /// How it answers.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The farewell of one of its methods.
    pub fn deprecation(&self, method: &Method) -> Option<&Deprecation> {
        self.farewell(method).map(|(_, deprecation)| deprecation)
    }

    /// The same, with its place among [all](Self::farewells).
    pub(crate) fn farewell(&self, method: &Method) -> Option<(usize, &Deprecation)> {
        let place = self.farewells.iter().position(|(methods, _)| methods.contains(method))?;
        Some((place, &self.farewells[place].1))
    }

    /// Its farewells, each with its methods.
    pub fn farewells(&self) -> &[(Vec<Method>, Deprecation)] {
        &self.farewells
    }

    /// How closely it fits: for each segment 2 where it is fixed, 1 where it is a parameter, 0 at a catch-all, compared
    /// from the left. `None` if it does not fit.
    fn fit(&self, path: &str) -> Option<Vec<u8>> {
        let mut fit = Vec::new();
        let mut segments = path.split('/');
        for part in self.template.split('/') {
            if part.starts_with("{*") {
                let rest = segments.next()?;
                fit.push(0);
                return (!rest.is_empty() || segments.next().is_some()).then_some(fit);
            }
            let segment = segments.next()?;
            match part.starts_with('{') {
                true if !segment.is_empty() => fit.push(1),
                false if part == segment => fit.push(2),
                _ => return None,
            }
        }
        segments.next().is_none().then_some(fit)
    }
}

/// All routes. Fixed parts win over parameters, and parameters over the rest of a path, as in axum's router.
#[derive(Clone, Debug, Default)]
pub struct RouteTable(Arc<Table>);

#[derive(Debug, Default)]
struct Table {
    fixed: HashMap<Box<str>, Arc<Route>>,
    open: Vec<Arc<Route>>,
}

impl FromIterator<Route> for RouteTable {
    fn from_iter<T: IntoIterator<Item = Route>>(routes: T) -> Self {
        let mut table = Table::default();
        for route in routes.into_iter().map(Arc::new) {
            if route.template.contains('{') {
                table.open.push(route);
            } else {
                table.fixed.insert(route.template.clone(), route);
            }
        }
        Self(Arc::new(table))
    }
}

impl RouteTable {
    /// Every route, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.0.fixed.values().chain(&self.0.open)
    }

    /// The route of a path.
    pub fn find(&self, path: &str) -> Option<Arc<Route>> {
        if let Some(route) = self.0.fixed.get(path) {
            return Some(route.clone());
        }
        let fitting = self.0.open.iter().filter_map(|route| Some((route.fit(path)?, route)));
        fitting.max_by(|(a, _), (b, _)| a.cmp(b)).map(|(_, route)| route.clone())
    }

    /// The route of a request, looked up at most once.
    pub fn resolve(&self, request: &mut Request) -> Option<Arc<Route>> {
        if let Some(Resolved(route)) = request.extensions().get() {
            return route.clone();
        }
        let route = self.find(request.uri().path());
        request.extensions_mut().insert(Resolved(route.clone()));
        route
    }
}

/// What the look-up found; kept also when it found nothing.
#[derive(Clone, Debug)]
struct Resolved(Option<Arc<Route>>);

/// The route that was found for this request, if it was looked up and there is one.
pub fn of(request: &Request) -> Option<&Arc<Route>> {
    request.extensions().get::<Resolved>().and_then(|resolved| resolved.0.as_ref())
}

/// The label of a request's route: by the table, else as axum matched it, else [`UNMATCHED`].
pub fn label(request: &Request) -> Arc<str> {
    if let Some(route) = of(request) {
        return Arc::from(route.template());
    }
    let matched = request.extensions().get::<MatchedPath>();
    Arc::from(matched.map_or(UNMATCHED, MatchedPath::as_str))
}

/// Looks the route up, for the layers within.
pub async fn resolve(State(table): State<RouteTable>, mut request: Request, next: Next) -> Response {
    table.resolve(&mut request);
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_parts_win_over_parameters_and_these_over_the_rest() {
        let table: RouteTable =
            ["/", "/{*slug}", "/v1/links", "/v1/links/{id}", "/v1/links/bulk", "/v1/links/{id}/stats"]
                .map(|template| Route::new(template, [Method::GET]))
                .into_iter()
                .collect();
        let found = |path: &str| table.find(path).map(|route| route.template().to_owned());
        for (path, template) in [
            ("/", "/"),
            ("/v1/links", "/v1/links"),
            ("/v1/links/bulk", "/v1/links/bulk"),
            ("/v1/links/lnk_1", "/v1/links/{id}"),
            ("/v1/links/bulk/stats", "/v1/links/{id}/stats"),
            ("/g++", "/{*slug}"),
            ("/a/b", "/{*slug}"),
            ("/v1/links/a/b/c", "/{*slug}"),
        ] {
            assert_eq!(found(path).as_deref(), Some(template), "{path}");
        }
        let closed: RouteTable = [Route::new("/a/{b}", [Method::GET])].into_iter().collect();
        for path in ["/a", "/a/", "/a/b/", "/a/b/c", "", "*", "/b/a"] {
            assert!(closed.find(path).is_none(), "{path:?}");
        }
    }

    #[test]
    fn allow_lists_head_with_get_and_options_always() {
        assert_eq!(Route::new("/a", [Method::GET, Method::POST]).allow(), "GET, HEAD, POST, OPTIONS");
        assert_eq!(Route::new("/a", [Method::DELETE]).allow(), "DELETE, OPTIONS");
    }
}
