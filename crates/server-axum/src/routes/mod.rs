//! The routes: one table, from which the router, the checks before a handler, `Allow`, and the OpenAPI document come.
//!
//! A route without a declared access does not compile, and one that is not in the table is not served.

mod api_keys;
mod bulk;
mod deprecations;
mod docs;
pub(crate) mod event_types;
mod events;
mod health;
mod links;
mod live;
mod login;
mod members;
mod oauth;
mod proxied;
mod qr;
mod route;
mod stats;
mod table;
mod tickets;
mod webhooks;

use std::sync::Arc;

use crate::app::App;

pub(crate) use proxied::proxied;
pub(crate) use route::{Access, BodyRule, Parameter, Place, Route, Rules};

const KIB: usize = 1_024;
/// The bounds of a body (§12).
const BODY: usize = 1_024 * KIB;
const BULK_BODY: usize = 16 * 1_024 * KIB;
/// The most bytes of a form: two tokens of the largest size, several times over.
const FORM_BODY: usize = 64 * KIB;

const JSON: &[&str] = &["application/json"];
const FORM: &[&str] = &["application/x-www-form-urlencoded"];
const MERGE_PATCH: &[&str] = &["application/merge-patch+json", "application/json"];

/// Every route of the API.
pub(crate) fn table() -> Vec<Route<Arc<App>>> {
    [
        table::links::routes(),
        table::events::routes(),
        table::webhooks::routes(),
        table::credentials::routes(),
        table::operations::routes(),
        table::oauth::routes(),
        table::members::routes(),
        table::sessions::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use waypost_core::links::RESERVED;

    use super::*;

    #[test]
    fn no_slug_can_hide_a_route_nor_a_route_a_slug() {
        for route in table() {
            let first = route.path.split('/').nth(1).unwrap_or_default();
            assert!(RESERVED.contains(&first), "{first:?} of {} must be reserved in links::RESERVED", route.path);
        }
    }

    #[test]
    fn operations_have_names_of_their_own() {
        let mut names: Vec<_> = table().into_iter().map(|route| route.doc.name).collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
        assert!(names.iter().all(|name| !name.is_empty()));
    }
}
