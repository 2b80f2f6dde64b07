//! What is checked between the router and a handler: can the answer be taken, who is it, how often, may they, and is the
//! body of a kind and size that can be read.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT, AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{Extensions, HeaderMap};
use waypost_core::Kind;
use waypost_core::credentials::{Principal, Scope};
use waypost_core::limits::{Decision, Policy};
use waypost_core::wire::v1::ErrorCode;

use crate::api::PROBES;
use crate::app::App;
use crate::error::ApiError;
use crate::extract::read_body;
use crate::gateway::context::{Caller, RequestContext};
use crate::gateway::rate_headers::RateLedger;
use crate::routes::{Access, Rules};

/// One route's rules, and what they are checked with.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    pub(crate) app: Arc<App>,
    pub(crate) rules: Arc<Rules>,
}

/// Counts a request against its address, before anything else is known of it.
pub(crate) async fn limit_address(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let Some(context) = request.extensions().get::<RequestContext>() else { return next.run(request).await };
    let (policy, limits, key) = (&app.options.per_address, &app.platform.limits, context.client().limit_key());
    // Whether the process lives must not hang on whether what counts requests does.
    let decision = match PROBES.contains(&request.uri().path()) {
        true => limits.take_here(policy, &key, 1).await,
        false => limits.take(policy, &key, 1).await,
    };
    match count(request.extensions(), policy, decision) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

/// Checks a request against its route's rules, and lets it through to the handler.
pub(crate) async fn check(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let (mut head, body) = request.into_parts();
    let body = match guard.admit(&mut head).await {
        Ok(()) => body,
        Err(error) => return error.into_response(),
    };
    if head.method.is_safe() || guard.rules.is_streamed {
        return next.run(Request::from_parts(head, body)).await;
    }
    // The body is read while the caller is there and the deadline runs; what is detached below has all that it needs.
    let body = match guard.rules.body {
        Some(rule) => match read_body(&head.headers, body, rule).await {
            Ok(bytes) => Body::from(bytes),
            Err(error) => return error.into_response(),
        },
        None => Body::empty(),
    };
    // A caller that hangs up drops this future; what changes something runs on, and is not left half-way.
    match tokio::spawn(next.run(Request::from_parts(head, body))).await {
        Ok(response) => response,
        Err(fault) => match fault.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => ApiError::of(ErrorCode::Unavailable).with_reason("the runtime is stopping").into_response(),
        },
    }
}

impl Guard {
    async fn admit(&self, head: &mut Parts) -> Result<(), ApiError> {
        if !accepts(&head.headers, &self.rules.produces) {
            let message = format!("This answers with {}", self.rules.produces.join(" or "));
            return Err(ApiError::new(ErrorCode::NotAcceptable, message));
        }
        if let (Access::Public, Some(policy)) = (self.rules.access, &self.rules.policy)
            && let Some(context) = head.extensions.get::<RequestContext>()
        {
            let decision = self.app.platform.limits.take(policy, &context.client().limit_key(), 1).await;
            count(&head.extensions, policy, decision)?;
        }
        if let Access::Scope(scope) = self.rules.access {
            let principal = self.authenticate(head).await?;
            let policy = self.rules.policy.as_ref().unwrap_or(&self.app.options.per_principal);
            let decision = self.app.platform.limits.take(policy, &principal.key.to_string(), 1).await;
            count(&head.extensions, policy, decision)?;
            require(&principal, scope)?;
            head.extensions.insert(principal);
            if let (false, Some(query)) = (self.rules.takes_query, head.uri.query()) {
                // Ignoring a parameter in silence would hide a typing error.
                crate::extract::read_query(query)?.finish()?;
            }
        }
        head.extensions.insert(self.rules.clone());
        Ok(())
    }

    async fn authenticate(&self, head: &Parts) -> Result<Principal, ApiError> {
        let context = head.extensions.get::<RequestContext>();
        let Some(text) = bearer(&head.headers)? else {
            return Err(ApiError::new(ErrorCode::Unauthenticated, "This needs an API key: `Authorization: Bearer …`"));
        };
        match self.app.platform.credentials.authenticate(text).await {
            Ok(mut principal) => {
                if let Some(context) = context {
                    context.identify(Caller { workspace: principal.workspace, key: principal.key });
                    principal.traceparent = Some(context.traceparent().to_string().into());
                }
                Ok(principal)
            }
            Err(error) if matches!(error.kind(), Kind::Unauthenticated | Kind::Expired) => {
                if let Some(context) = context {
                    let decision = self.app.note_failed_login(context.client()).await;
                    count(&head.extensions, &self.app.options.failures, decision)?;
                }
                let challenge = "Bearer realm=\"waypost\", error=\"invalid_token\"";
                Err(ApiError::from(error).with_header(WWW_AUTHENTICATE, HeaderValue::from_static(challenge)))
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// The text of `Authorization: Bearer` (RFC 6750 §2.1); the scheme in any case (RFC 9110 §11.1).
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        let error = ApiError::new(ErrorCode::MalformedRequest, "The credentials stand twice");
        return Err(error.with_detail("header.Authorization", "stands twice"));
    }
    let (scheme, text) = value.to_str().unwrap_or_default().split_once(' ').unwrap_or_default();
    Ok(scheme.eq_ignore_ascii_case("bearer").then_some(text.trim()))
}

/// Demands the scope, and says in the challenge which one is missing (RFC 6750 §3.1).
fn require(principal: &Principal, scope: Scope) -> Result<(), ApiError> {
    principal.require(scope).map_err(|error| {
        let challenge = format!("Bearer realm=\"waypost\", error=\"insufficient_scope\", scope=\"{scope}\"");
        let challenge = HeaderValue::try_from(challenge).unwrap_or(HeaderValue::from_static("Bearer"));
        ApiError::from(error).with_header(WWW_AUTHENTICATE, challenge)
    })
}

/// Notes a decision for the headers, and turns a denial into the error.
fn count(extensions: &Extensions, policy: &Policy, decision: Decision) -> Result<(), ApiError> {
    if let Some(ledger) = extensions.get::<RateLedger>() {
        ledger.note(policy.clone(), decision);
    }
    match decision {
        Decision::Allow(_) => Ok(()),
        Decision::Deny { retry_after, .. } => Err(limited(policy).with_retry_after(retry_after)),
    }
}

pub(crate) fn limited(policy: &Policy) -> ApiError {
    let message = format!("More than the policy {:?} allows", policy.name());
    ApiError::new(ErrorCode::RateLimited, message).with_reason(format!("limited by {:?}", policy.name()))
}

/// Whether one of `media` may be sent (RFC 9110 §12.5.1). Without the header, anything may; `q=0` forbids.
pub(crate) fn accepts(headers: &HeaderMap, media: &[&str]) -> bool {
    let mut ranges = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|range| !range.is_empty())
        .peekable();
    if ranges.peek().is_none() || media.is_empty() {
        return true;
    }
    let ranges: Vec<_> = ranges.collect();
    media.iter().any(|media| weight(&ranges, media) > 0.0)
}

/// The weight of `media` by the most specific range that names it.
fn weight(ranges: &[&str], media: &str) -> f32 {
    let kind = media.split('/').next().unwrap_or_default();
    let mut best = (0, 0.0);
    for range in ranges {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let specific = match name.split_once('/') {
            Some(_) if name.eq_ignore_ascii_case(media) => 3,
            Some((own, "*")) if own.eq_ignore_ascii_case(kind) => 2,
            Some(("*", "*")) => 1,
            _ if media == "*/*" => 1,
            _ => continue,
        };
        let q = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        let q = q.map_or(1.0, |q| q.parse().unwrap_or(0.0));
        if specific > best.0 {
            best = (specific, q);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(value: &'static str, media: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(value));
        accepts(&headers, &[media])
    }

    #[test]
    fn the_most_specific_range_decides() {
        for value in ["*/*", "application/*", "application/json", "text/html, */*;q=0.1", "APPLICATION/JSON", ""] {
            assert!(accepted(value, "application/json"), "{value}");
        }
        for value in ["text/html", "application/json;q=0", "*/*, application/json;q=0.0", "image/*"] {
            assert!(!accepted(value, "application/json"), "{value}");
        }
        assert!(accepts(&HeaderMap::new(), &["application/json"]));
    }

    #[test]
    fn the_scheme_is_read_in_any_case_and_two_are_one_too_many() {
        let mut headers = HeaderMap::new();
        assert!(bearer(&headers).unwrap().is_none());
        headers.insert(AUTHORIZATION, HeaderValue::from_static("bEARER key"));
        assert_eq!(bearer(&headers).unwrap(), Some("key"));
        headers.append(AUTHORIZATION, HeaderValue::from_static("Bearer other"));
        assert!(bearer(&headers).is_err());
        headers.clear();
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Basic a2V5"));
        assert!(bearer(&headers).unwrap().is_none());
    }
}
