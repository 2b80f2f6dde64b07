//! Farewell to a route (§8): `Deprecation` (RFC 9745), `Sunset` (RFC 8594), `Link`, and after the sunset 410.
//!
//! One [`Deprecation`] stands beside the route in the table; headers, the OpenAPI flag and the 410 all come from it. [`announce`]
//! stands around every refusal, so that a 429 of such a route says it too; [`end`] stands within the limits, whose headers
//! are on a 410 as on every answer.
//!
//! Routes are sent off in code ([`Route::deprecated`](super::routes::Route::deprecated)), or by an operator: a [`Declared`]
//! is what a section `[[farewells]]` of the settings says.
//!
//! Alone, on a foreign axum router, with `routes::resolve` around it:
//!
//! ```
//! use axum::{Router, middleware};
//! use http::Method;
//! use waypost_server_axum::gateway::deprecation::{self, Deprecation, Farewell};
//! use waypost_server_axum::gateway::routes::{self, Route, RouteTable};
//!
//! let going = Deprecation::new("2026-01-01T00:00:00Z".parse()?, "https://links.example/docs/farewell")?
//!     .with_sunset("2026-09-01T00:00:00Z".parse()?)?;
//! let table: RouteTable = [Route::new("/old", [Method::GET]).deprecated(going)].into_iter().collect();
//! let farewell = Farewell::default();
//! let router: Router = Router::new()
//!     .layer(middleware::from_fn_with_state(farewell.clone(), deprecation::end))
//!     .layer(middleware::from_fn_with_state(farewell, deprecation::announce))
//!     .layer(middleware::from_fn_with_state(table, routes::resolve));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod announced;
mod declared;
mod farewell;

pub use announced::{Deprecation, InvalidDeprecation};
pub use declared::{Declared, InvalidFarewell};
pub use farewell::{Farewell, Usage, announce, end};
