//! What is checked between the router and a handler, by the route's rules: can the answer be taken, who is it
//! ([`authentication`](crate::gateway::authentication)), how often ([`limit`]), may they ([`authorization`]), and is the body
//! of a kind and size that can be read.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::ACCEPT;
use http::request::Parts;
use waypost_core::wire::v1::ErrorCode;

use crate::app::App;
use crate::error::ApiError;
use crate::extract::read_body;
use crate::gateway::authentication::{Authentication, Ways};
use crate::gateway::context::RequestContext;
use crate::gateway::{authorization, limit};
use crate::routes::{Access, Rules};

/// One route's rules, and what they are checked with.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    app: Arc<App>,
    authentication: Authentication,
    rules: Arc<Rules>,
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
    /// Guards a route by its rules.
    pub(crate) fn new(app: &Arc<App>, rules: Rules) -> Self {
        let ways = match (rules.access, rules.takes_ticket) {
            (Access::Session, _) => Ways::Session,
            (_, true) => Ways::AllAndTickets,
            (_, false) => Ways::All,
        };
        Self { app: app.clone(), authentication: app.authentication.by(ways), rules: Arc::new(rules) }
    }

    async fn admit(&self, head: &mut Parts) -> Result<(), ApiError> {
        if !accepts(&head.headers, &self.rules.produces) {
            let message = format!("This answers with {}", self.rules.produces.join(" or "));
            return Err(ApiError::new(ErrorCode::NotAcceptable, message));
        }
        let policy = self.rules.policy.as_deref();
        if let (Access::Public, Some(name), Some(context)) =
            (self.rules.access, policy, head.extensions.get::<RequestContext>())
            && let Some(policy) = self.app.platform.limits.plans().policy(None, name)
        {
            let decision = self.app.platform.limits.take(policy, &context.client().limit_key(), 1).await;
            limit::count(&head.extensions, policy, decision)?;
        }
        if self.rules.access != Access::Public {
            let principal = self.authentication.principal(head).await?;
            // What may not be done is no use of what is limited by it; it has been asked for all the same.
            let may = match self.rules.access {
                Access::Scope(scope) => authorization::require(&principal, scope),
                Access::Public | Access::Session => Ok(()),
            };
            let taken = self.app.platform.limits.take_all(&principal, policy.filter(|_| may.is_ok())).await;
            limit::count_all(&head.extensions, taken)?;
            may?;
            head.extensions.insert(principal);
            if let (false, Some(query)) = (self.rules.takes_query, head.uri.query()) {
                // Ignoring a parameter in silence would hide a typing error.
                crate::extract::read_query(query)?.finish()?;
            }
        }
        head.extensions.insert(self.rules.clone());
        Ok(())
    }
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
    use http::HeaderValue;

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
}
