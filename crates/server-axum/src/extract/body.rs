//! JSON bodies.

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::Value;
use waypost_core::fields::{self, Fields};
use waypost_core::wire::v1::ErrorCode;

use crate::error::ApiError;
use crate::routes::BodyRule;

/// A body of JSON: read whole, within the route's bound, and parsed strictly.
pub(crate) struct JsonBody {
    value: Value,
    pub(crate) bytes: Bytes,
}

impl JsonBody {
    /// The fields of the object that the body must be.
    pub(crate) fn fields(self) -> Result<Fields, ApiError> {
        Ok(Fields::of_body(self.value)?)
    }
}

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = ApiError;

    /// The guard has read it, within the route's bound.
    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let whole = request.into_body().collect().await;
        let bytes = whole.map_err(|_| ApiError::new(ErrorCode::MalformedRequest, "The body broke off"))?.to_bytes();
        let value = fields::parse(&bytes).map_err(waypost_core::Error::from)?;
        Ok(Self { value, bytes })
    }
}

/// Reads a body whole, if it is of a kind and a size that `rule` allows.
pub(crate) async fn read_body(headers: &HeaderMap, body: Body, rule: BodyRule) -> Result<Bytes, ApiError> {
    check_type(headers, rule.media)?;
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > rule.most as u64) {
        return Err(too_large(rule.most));
    }
    match Limited::new(body, rule.most).collect().await {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(fault) if fault.is::<LengthLimitError>() => Err(too_large(rule.most)),
        Err(_) => Err(ApiError::new(ErrorCode::MalformedRequest, "The body broke off")),
    }
}

fn too_large(most: usize) -> ApiError {
    ApiError::new(ErrorCode::PayloadTooLarge, format!("The body is larger than {most} bytes"))
}

/// Refuses what is not plain JSON (RFC 9110 §15.5.16). `text/plain` would let foreign web pages in without a preflight.
fn check_type(headers: &HeaderMap, media: &[&'static str]) -> Result<(), ApiError> {
    let encoded = headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity");
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    if !encoded && media.iter().any(|media| media.eq_ignore_ascii_case(essence)) {
        return Ok(());
    }
    let message = format!("The body must be {} without a content encoding", media.join(" or "));
    let error = ApiError::new(ErrorCode::UnsupportedMediaType, message);
    let (name, value) = match (encoded, media) {
        (true, _) => ("accept-encoding", "identity"),
        (false, [first]) => ("accept-post", *first),
        (false, _) => ("accept-patch", "application/merge-patch+json, application/json"),
    };
    Err(error.with_header(HeaderName::from_static(name), HeaderValue::from_static(value)))
}
