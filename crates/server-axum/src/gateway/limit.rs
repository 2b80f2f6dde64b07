//! How often: the policies of the caller's plan, and before anything is known of them one by address.
//!
//! Every decision is noted for the headers (`rate_headers`); a denial is 429 with the longest wait of those that deny.
//!
//! [`by_principal`] stands within `authentication`, whose module shows it on a foreign router.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::Extensions;
use waypost_core::credentials::Principal;
use waypost_core::limits::{Decision, Limits, Policy};
use waypost_core::wire::v1::ErrorCode;

use super::context::RequestContext;
use super::rate_headers::RateLedger;
use super::routes;
use crate::error::ApiError;

/// A policy by client address, and what counts it.
#[derive(Clone, Debug)]
pub struct AddressLimit {
    /// Counts.
    pub limits: Limits,
    /// How many are allowed.
    pub policy: Policy,
}

/// Counts a request against its address, before anything else is known of it. Within `context` and `routes`.
pub async fn by_address(State(limit): State<AddressLimit>, request: Request, next: Next) -> Response {
    let Some(context) = request.extensions().get::<RequestContext>() else { return next.run(request).await };
    let (policy, key) = (&limit.policy, context.client().limit_key());
    // Whether the process lives must not hang on whether what counts requests does.
    let decision = match routes::of(&request).is_some_and(|route| route.is_probe()) {
        true => limit.limits.take_here(policy, &key, 1).await,
        false => limit.limits.take(policy, &key, 1).await,
    };
    match count(request.extensions(), policy, decision) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

/// Counts a request by whoever was recognised; one of nobody passes.
pub async fn by_principal(State(limits): State<Limits>, request: Request, next: Next) -> Response {
    let counted = match request.extensions().get::<Principal>() {
        Some(principal) => count_all(request.extensions(), limits.take_all(principal, None).await),
        None => Ok(()),
    };
    match counted {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

/// Notes a decision for the headers, and turns a denial into the error.
///
/// # Errors
/// 429 `RATE_LIMITED`.
pub fn count(extensions: &Extensions, policy: &Policy, decision: Decision) -> Result<(), ApiError> {
    if let Some(ledger) = extensions.get::<RateLedger>() {
        ledger.note(policy.clone(), decision);
    }
    match decision {
        Decision::Allow(_) => Ok(()),
        Decision::Deny { retry_after, .. } => Err(refused(policy).with_retry_after(retry_after)),
    }
}

/// Notes all decisions, and turns the denial with the longest wait into the error: before that, another is sure to come.
///
/// # Errors
/// As [`count`].
pub fn count_all(extensions: &Extensions, taken: Vec<(&Policy, Decision)>) -> Result<(), ApiError> {
    let mut longest: Option<(Duration, ApiError)> = None;
    for (policy, decision) in taken {
        let Err(error) = count(extensions, policy, decision) else { continue };
        let wait = decision.retry_after();
        if longest.as_ref().is_none_or(|(longest, _)| *longest < wait) {
            longest = Some((wait, error));
        }
    }
    longest.map_or(Ok(()), |(_, error)| Err(error))
}

/// The refusal of a policy.
pub fn refused(policy: &Policy) -> ApiError {
    let message = format!("More than the policy {:?} allows", policy.name());
    ApiError::new(ErrorCode::RateLimited, message).with_reason(format!("limited by {:?}", policy.name()))
}
