//! Ids in paths.

use std::fmt::Display;
use std::str::FromStr;

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use waypost_core::wire::v1::ErrorCode;

use crate::error::ApiError;

/// The path parameter `id`. A text that is no id names nothing, so it is 404, and `details` says what an id looks like.
pub(crate) struct Id<T>(pub(crate) T);

impl<S: Send + Sync, T: FromStr<Err: Display>> FromRequestParts<S> for Id<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let params = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|_| ApiError::new(ErrorCode::MalformedRequest, "The path is not valid UTF-8"))?;
        let text = params.iter().find(|(name, _)| *name == "id").map_or("", |(_, value)| value);
        text.parse().map(Self).map_err(|fault: T::Err| {
            ApiError::new(ErrorCode::NotFound, "The path holds no such id").with_detail("path.id", fault.to_string())
        })
    }
}
