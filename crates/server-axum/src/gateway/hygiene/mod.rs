//! Headers that only a gateway may set: a client's copy dies before anything within sees it.
//!
//! What stands behind a gateway believes some headers blindly: who the caller is, which path was meant, which method. So
//! they are taken off every request, *in every spelling*. Servers and languages fold names in different ways (CGI and
//! WSGI turn `-` into `_`, others the other way round), so names are compared folded: in lower case, each run of
//! characters that are no letter and no digit as one `-`. `X_User_Id`, `x--user.id` and `X-User-Id` are one name.
//!
//! - *Identity*, and what rewrites a request: always taken off.
//! - *Forwarding* (`X-Forwarded-For` and its kind): taken off unless the peer is a trusted proxy. The caller's address has
//!   been read by then ([`context`](super::context)).
//! - Any other name with `_`: taken off, since proxies merge it with its twin.
//! - `Waypost-Principal`, the signed word of a Waypost gateway: let through, in this one spelling and once, if
//!   [trusted](Hygiene::trust_gateway) and the peer is a trusted proxy. Who lets it through must verify its signature.
//!
//! What was taken off is counted, and named at the level debug; values are never told.
//!
//! Alone, on a foreign axum router:
//!
//! ```
//! use axum::{Router, middleware};
//! use waypost_server_axum::gateway::hygiene::{self, Hygiene};
//!
//! let hygiene = Hygiene::default().and_identity(["X-Company-Role", "X-Sso-*"]);
//! let router: Router = Router::new().layer(middleware::from_fn_with_state(hygiene, hygiene::clean));
//! ```

mod clean;
mod names;
mod spelling;

pub use clean::{Hygiene, PRINCIPAL, clean};
pub use names::{FORWARDING, IDENTITY};
