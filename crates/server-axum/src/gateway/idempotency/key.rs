//! What is read from the header, and what is said about keys.

use std::time::Duration;

use http::HeaderMap;
use waypost_core::idempotency::IdempotencyKey;
use waypost_core::wire::v1::ErrorCode;

use crate::error::ApiError;

/// The key that a request came with, if it came with one.
///
/// # Errors
/// For a key that is not well formed, and for two: whichever were taken, the client may have meant the other.
pub(crate) fn key_of(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, ApiError> {
    let fault = |issue: String| {
        ApiError::new(ErrorCode::InvalidIdempotencyKey, "The idempotency key is not well formed")
            .with_detail("header.Idempotency-Key", issue)
    };
    let mut values = headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(fault("stands twice".to_owned()));
    }
    let key = IdempotencyKey::parse(value.as_bytes());
    key.map(Some).map_err(|invalid| fault(invalid.to_string()))
}

/// The same request is being carried out; `wait` is what is left of its lease.
///
/// `wait` is what is left of the lease, which only a request that died ever needs; the others are answered long before,
/// so a client is asked to come back soon.
pub(crate) fn in_flight(wait: Duration) -> ApiError {
    let message = "A request with this idempotency key is being carried out";
    ApiError::new(ErrorCode::IdempotencyInFlight, message).with_retry_after(wait.min(Duration::from_secs(1)))
}

/// The key stands for another request.
pub(crate) fn reused() -> ApiError {
    let message = "The idempotency key was used before, for another request";
    ApiError::new(ErrorCode::IdempotencyKeyReused, message)
}
