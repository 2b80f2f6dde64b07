//! The section `[gateway]` of `waypost.toml`: which path goes where, and under which rules.
//!
//! It is read in two steps. [`Section::read`] turns a value of any format into the types below, and refuses what they do
//! not know; [`check`] holds it against what there is (scopes, policies, the routes of the program itself) and makes
//! a [`Plan`]. Both tell every [`Fault`] at once, each with its place and its cure. The same form is published as a JSON
//! Schema ([`SCHEMA`]), for editors and for checks outside.
//!
//! ```
//! use waypost_server_axum::proxy::config::{Section, Vocabulary, check};
//!
//! let section = Section::read(serde_json::json!({
//!     "version": 1,
//!     "upstreams": [{"name": "shop", "targets": [{"url": "http://127.0.0.1:9000"}]}],
//!     "routes": [{"path": "/shop/{*rest}", "methods": ["GET"], "scope": "links:red", "upstream": "shoop"}],
//! }))
//! .expect("the form is right");
//! let faults = check(&section, &Vocabulary::default()).expect_err("the words are not");
//! let places: Vec<_> = faults.iter().map(|fault| fault.place()).collect();
//! assert_eq!(places, ["gateway.routes[0].scope", "gateway.routes[0].upstream"]);
//! ```

mod checks;
mod fault;
mod measure;
mod paths;
mod plan;
mod section;
#[cfg(test)]
mod tests;

pub use checks::{Vocabulary, check};
pub use fault::Fault;
pub use measure::{Size, Span};
pub use plan::{Access, Plan, PlannedRoute};
pub use section::{Breaker, Ejection, Health, Retries, Route, RouteKind, Section, Target, Upstream};

/// The JSON Schema (draft 2020-12) of the section.
pub const SCHEMA: &str = include_str!("../../../../../docs/gateway.schema.json");
