//! Whether they may: the scope that a route declares.
//!
//! The first of two checks. The second, whether a row is theirs, is made by the services, which take the [`Principal`]: to
//! those of another workspace it is not there.
//!
//! Within `authentication`, whose module shows it on a foreign router.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{HeaderValue, WWW_AUTHENTICATE};
use waypost_core::credentials::{Principal, Scope};
use waypost_core::wire::v1::ErrorCode;

use crate::error::ApiError;

/// Demands the scope, and says in the challenge which one is missing (RFC 6750 §3.1).
///
/// # Errors
/// 403 `INSUFFICIENT_SCOPE`.
pub fn require(principal: &Principal, scope: Scope) -> Result<(), ApiError> {
    principal.require(scope).map_err(|error| {
        let challenge = format!("Bearer realm=\"waypost\", error=\"insufficient_scope\", scope=\"{scope}\"");
        let challenge = HeaderValue::try_from(challenge).unwrap_or(HeaderValue::from_static("Bearer"));
        ApiError::from(error).with_header(WWW_AUTHENTICATE, challenge)
    })
}

/// Lets those through who have the scope; nobody, where nobody was recognised.
pub async fn demand(State(scope): State<Scope>, request: Request, next: Next) -> Response {
    let refused = match request.extensions().get::<Principal>() {
        Some(principal) => require(principal, scope).err(),
        None => Some(ApiError::of(ErrorCode::Unauthenticated)),
    };
    match refused {
        None => next.run(request).await,
        Some(error) => error.into_response(),
    }
}
