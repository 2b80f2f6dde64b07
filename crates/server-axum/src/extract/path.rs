//! Ids in paths.

use std::fmt::Display;
use std::str::FromStr;

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use waypost_core::ids::{DeliveryId, WebhookId};
use waypost_core::wire::v1::ErrorCode;

use crate::error::ApiError;

/// The path parameter `id`. A text that is no id names nothing, so it is 404, and `details` says what an id looks like.
pub(crate) struct Id<T>(pub(crate) T);

impl<S: Send + Sync, T: FromStr<Err: Display>> FromRequestParts<S> for Id<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        id(&parameters(parts, state).await?, "id").map(Self)
    }
}

/// The path parameters of a delivery: `id`, which is its endpoint's, and `delivery_id`.
pub(crate) struct DeliveryPath {
    pub(crate) webhook: WebhookId,
    pub(crate) delivery: DeliveryId,
}

impl<S: Send + Sync> FromRequestParts<S> for DeliveryPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let parameters = parameters(parts, state).await?;
        Ok(Self { webhook: id(&parameters, "id")?, delivery: id(&parameters, "delivery_id")? })
    }
}

async fn parameters<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<RawPathParams, ApiError> {
    let read = RawPathParams::from_request_parts(parts, state).await;
    read.map_err(|_| ApiError::new(ErrorCode::MalformedRequest, "The path is not valid UTF-8"))
}

fn id<T: FromStr<Err: Display>>(parameters: &RawPathParams, name: &str) -> Result<T, ApiError> {
    let text = parameters.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value);
    text.parse().map_err(|fault: T::Err| {
        let error = ApiError::new(ErrorCode::NotFound, "The path holds no such id");
        error.with_detail(format!("path.{name}"), fault.to_string())
    })
}
