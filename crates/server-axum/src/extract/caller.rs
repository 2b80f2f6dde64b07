//! The principal that the gateway let through.

use axum::extract::FromRequestParts;
use http::request::Parts;
use waypost_core::credentials::Principal;
use waypost_core::wire::v1::ErrorCode;

use crate::error::ApiError;

/// Who asks. Only there on routes that need a scope; on others, asking for it is a fault of ours.
pub(crate) struct Caller(pub(crate) Principal);

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let principal = parts.extensions.get::<Principal>().cloned();
        principal.map(Self).ok_or_else(|| ApiError::new(ErrorCode::Internal, "A route without a scope has no caller"))
    }
}
