//! Routes and upstreams of one configuration, put together.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use super::config::{Fault, Plan, PlannedRoute};
use super::forward::{Edge, Forward, Neighbours, Rule};
use super::upstream::Upstream;

/// One configuration at work. Immutable: a new configuration makes a new table, which takes over what has not changed.
#[derive(Clone, Default)]
pub struct Table {
    routes: Vec<(PlannedRoute, Forward)>,
    upstreams: Vec<Arc<Upstream>>,
    claims: HashSet<Box<str>>,
}

impl Table {
    /// Builds the table of a plan. Connections, breakers and health of targets that `before` has as well are kept.
    ///
    /// # Errors
    /// What shows only when it is built, say that TLS cannot be set up.
    pub fn build(plan: &Plan, before: Option<&Self>, edge: &Edge) -> Result<Self, Vec<Fault>> {
        let (mut upstreams, mut faults) = (Vec::new(), Vec::new());
        for (index, config) in plan.upstreams.iter().enumerate() {
            let known = before.and_then(|before| before.upstream(&config.name));
            match Upstream::build(config, known.map(|known| &**known)) {
                Ok(upstream) => upstreams.push(Arc::new(upstream)),
                Err(fault) => faults.push(Fault::new(format!("gateway.upstreams[{index}]"), fault)),
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let paths = Arc::new(Neighbours::new(plan.routes.iter().map(|planned| planned.route.path.as_str())));
        let routes: Vec<_> = plan
            .routes
            .iter()
            .filter_map(|planned| {
                let upstream = upstreams.get(planned.upstream)?.clone();
                let forward = Forward::new(upstream, Rule::of(&planned.route), edge.clone());
                Some((planned.clone(), forward.beside(paths.clone(), &planned.route.path)))
            })
            .collect();
        let first = |(planned, _): &(PlannedRoute, Forward)| first_segment(&planned.route.path).map(Box::from);
        let claims = routes.iter().filter_map(first).collect();
        Ok(Self { routes, upstreams, claims })
    }

    /// The routes, as planned, and what forwards their requests.
    pub fn routes(&self) -> impl Iterator<Item = (&PlannedRoute, &Forward)> {
        self.routes.iter().map(|(planned, forward)| (planned, forward))
    }

    /// The upstreams.
    pub fn upstreams(&self) -> &[Arc<Upstream>] {
        &self.upstreams
    }

    /// The upstream of a name.
    pub fn upstream(&self, name: &str) -> Option<&Arc<Upstream>> {
        self.upstreams.iter().find(|upstream| upstream.name() == name)
    }

    /// Whether the first segment of `path` is one of a route's: then no short link is meant.
    pub fn claims(&self, path: &str) -> bool {
        !self.claims.is_empty() && first_segment(path).is_some_and(|first| self.claims.contains(first))
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("routes", &self.routes.len()).field("upstreams", &self.upstreams.len()).finish()
    }
}

fn first_segment(path: &str) -> Option<&str> {
    path.split('/').nth(1)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::Request;
    use serde_json::json;
    use tower::ServiceExt;

    use super::*;
    use crate::proxy::config::{Section, Vocabulary, check};

    #[tokio::test]
    async fn a_slash_at_the_end_does_not_lead_around_another_route() {
        let route = |path: &str| json!({"path": path, "methods": ["GET"], "public": true, "upstream": "shop"});
        let paths = ["/shop/{*rest}", "/shop/admin", "/shop/items/{id}", "/shop/own/", "/shop/own"];
        let section = json!({
            "version": 1,
            // Nobody listens there: what goes on is 503.
            "upstreams": [{"name": "shop", "targets": [{"url": "http://127.0.0.1:1"}]}],
            "routes": paths.map(route),
        });
        let plan = check(&Section::read(section).unwrap(), &Vocabulary::default()).unwrap();
        let table = Table::build(&plan, None, &Edge::default()).unwrap();
        let status = async |path: &str, route: usize| {
            let forward = table.routes[route].1.clone();
            forward.oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap().status().as_u16()
        };
        for path in ["/shop/admin/", "/shop/items/7/", "/shop/admin/?a=b"] {
            assert_eq!(status(path, 0).await, 400, "{path}");
        }
        for path in ["/shop/other/", "/shop/other", "/shop/items/7/more/", "/shop/admin/more", "/shop/items/"] {
            assert_eq!(status(path, 0).await, 503, "{path}");
        }
        assert_eq!((status("/shop/own/", 3).await, status("/shop/admin", 1).await), (503, 503), "routes of their own");
    }
}
