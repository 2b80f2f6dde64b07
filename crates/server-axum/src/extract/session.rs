//! The session that the guard let through.

use axum::extract::FromRequestParts;
use http::request::Parts;
use waypost_core::grants::Session;
use waypost_core::wire::v1::ErrorCode;

use crate::error::ApiError;

/// The session of the browser that asks. Only there on routes that need one; on others, asking for it is a fault of ours.
pub(crate) struct CurrentSession(pub(crate) Session);

impl<S: Send + Sync> FromRequestParts<S> for CurrentSession {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let session = parts.extensions.get::<Session>().cloned();
        session.map(Self).ok_or_else(|| ApiError::new(ErrorCode::Internal, "A route without a session has none"))
    }
}
