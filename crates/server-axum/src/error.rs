//! The error of every handler and layer, and the one place that turns an error's kind into a code.
//!
//! An [`ApiError`] becomes a response with a status, its headers and no body, and rides along as a response extension.
//! [`gateway::envelope`](crate::gateway::envelope) renders the body, since only there the request's id is known, and
//! [`gateway::access_log`](crate::gateway::access_log) writes the [`reason`](ApiError::reason), which clients never
//! see. So an error is rendered once and logged once, wherever it was raised.

mod oauth;

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use waypost_core::wire::v1::{ErrorCode, FieldIssue, Retry};
use waypost_core::{Error, Kind};

/// The result of every handler.
pub type ApiResult<T> = Result<T, ApiError>;

/// An error on its way to a client; one word wide.
///
/// ```
/// use axum::response::IntoResponse;
/// use waypost_core::wire::v1::ErrorCode;
/// use waypost_server_axum::error::ApiError;
///
/// let response = ApiError::of(ErrorCode::Unavailable).into_response();
/// assert_eq!(response.status(), 503);
/// assert_eq!(response.headers()["retry-after"], "1", "a code that asks for a wait always says how long");
/// ```
#[derive(Clone)]
pub struct ApiError(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    code: ErrorCode,
    message: Cow<'static, str>,
    details: Vec<FieldIssue>,
    headers: HeaderMap,
    reason: Option<Cow<'static, str>>,
    oauth: Option<&'static str>,
}

impl ApiError {
    /// An error of `code`, told in `message`: words for clients.
    pub fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Arc::new(Inner {
            code,
            message: message.into(),
            details: Vec::new(),
            headers: HeaderMap::new(),
            reason: None,
            oauth: None,
        }))
    }

    /// An error of `code`, told in the registry's words.
    pub fn of(code: ErrorCode) -> Self {
        Self::new(code, code.meaning())
    }

    /// The error that a bare status of 400 or more stands for: what a framework answers on its own.
    ///
    /// A status that the registry does not know becomes 400 or 500, so code and status always agree.
    pub fn of_status(status: StatusCode) -> Self {
        let known = |code: &&ErrorCode| code.status() == status.as_u16();
        let code = match status.as_u16() {
            // Of the codes that share a status, the general one.
            403 => ErrorCode::Forbidden,
            409 => ErrorCode::Conflict,
            _ => ErrorCode::ALL.iter().find(known).copied().unwrap_or(if status.is_server_error() {
                ErrorCode::Internal
            } else {
                ErrorCode::MalformedRequest
            }),
        };
        Self::of(code)
    }

    /// 405; `allow` lists the methods that there are.
    pub fn method_not_allowed(allow: HeaderValue) -> Self {
        Self::of(ErrorCode::MethodNotAllowed).with_header(ALLOW, allow)
    }

    fn inner(&mut self) -> &mut Inner {
        Arc::make_mut(&mut self.0)
    }

    /// Names one more faulty field.
    #[must_use]
    pub fn with_detail(mut self, field: impl Into<String>, issue: impl Into<String>) -> Self {
        self.inner().details.push(FieldIssue { field: field.into(), issue: issue.into() });
        self
    }

    /// Sets a header of the response.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.inner().headers.insert(name, value);
        self
    }

    /// Says how long to wait: whole seconds, rounded up, at least one.
    #[must_use]
    pub fn with_retry_after(self, wait: Duration) -> Self {
        self.with_header(RETRY_AFTER, HeaderValue::from(whole_seconds(wait).max(1)))
    }

    /// Says why, for the log alone.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<Cow<'static, str>>) -> Self {
        self.inner().reason = Some(reason.into());
        self
    }

    /// The code.
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// The status that the code travels with.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The words for clients.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Every faulty field.
    pub fn details(&self) -> &[FieldIssue] {
        &self.0.details
    }

    /// The headers of the response.
    pub fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }

    /// Why it was refused, for the log: the causes of a fault, else the faulty fields.
    pub fn reason(&self) -> Option<Cow<'_, str>> {
        if let Some(reason) = &self.0.reason {
            return Some(Cow::Borrowed(reason));
        }
        let fields: Vec<&str> = self.0.details.iter().take(8).map(|issue| issue.field.as_str()).collect();
        (!fields.is_empty()).then(|| Cow::Owned(fields.join(", ")))
    }
}

/// Whole seconds, rounded up.
pub(crate) fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0))
}

/// The message, then every cause, for the log.
fn causes(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

impl From<&Error> for ApiError {
    fn from(error: &Error) -> Self {
        let code = match error.kind() {
            Kind::Malformed => ErrorCode::MalformedRequest,
            Kind::Invalid => ErrorCode::ValidationFailed,
            Kind::InvalidCursor => ErrorCode::InvalidCursor,
            Kind::NotFound => ErrorCode::NotFound,
            Kind::AlreadyExists => ErrorCode::SlugTaken,
            Kind::VersionMismatch => ErrorCode::VersionMismatch,
            Kind::Conflict => ErrorCode::Conflict,
            Kind::Unauthenticated => ErrorCode::Unauthenticated,
            Kind::Expired => ErrorCode::TokenExpired,
            Kind::InsufficientScope => ErrorCode::InsufficientScope,
            Kind::Forbidden => ErrorCode::Forbidden,
            Kind::Unavailable => ErrorCode::Unavailable,
            Kind::Timeout => ErrorCode::UpstreamTimeout,
            _ => ErrorCode::Internal,
        };
        let mut mapped = match code {
            // What is ours to mend is no text for clients, whoever wrote it.
            ErrorCode::Internal => Self::of(code),
            _ => Self::new(code, error.message().to_owned()),
        };
        for issue in error.issues() {
            mapped = mapped.with_detail(issue.field.clone(), issue.issue.clone());
        }
        if let Some(wait) = error.retry_after() {
            mapped = mapped.with_retry_after(wait);
        }
        if mapped.status().is_server_error() || error.source().is_some() {
            mapped = mapped.with_reason(causes(error));
        }
        mapped
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.extend(self.0.headers.clone());
        if self.0.code.retry() == Retry::AfterWait && !headers.contains_key(RETRY_AFTER) {
            headers.insert(RETRY_AFTER, HeaderValue::from(1));
        }
        if self.status() == StatusCode::UNAUTHORIZED && !headers.contains_key(WWW_AUTHENTICATE) {
            headers.insert(WWW_AUTHENTICATE, challenge(self.0.code));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// RFC 6750 §3: without credentials a bare challenge; a layer that saw bad ones says so by a header of its own.
fn challenge(code: ErrorCode) -> HeaderValue {
    HeaderValue::from_static(match code {
        ErrorCode::TokenExpired => "Bearer realm=\"waypost\", error=\"invalid_token\", error_description=\"expired\"",
        _ => "Bearer realm=\"waypost\"",
    })
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiError")
            .field("code", &self.0.code)
            .field("message", &self.0.message)
            .field("details", &self.0.details)
            .field("reason", &self.0.reason)
            .finish_non_exhaustive()
    }
}

impl StdError for ApiError {}

#[cfg(test)]
mod tests {
    use waypost_core::Issue;

    use super::*;

    #[test]
    fn causes_reach_the_log_and_never_the_client() {
        let error = ApiError::from(Error::internal(std::io::Error::other("disk /var/x on fire")));
        assert_eq!(error.code(), ErrorCode::Internal);
        assert!(!error.message().contains("disk"));
        assert!(error.reason().unwrap().contains("disk /var/x on fire"));

        let own_words = Error::new(Kind::Internal, "no row for wsp_1");
        assert!(!ApiError::from(own_words).message().contains("wsp_1"));
    }

    #[test]
    fn every_kind_has_its_code_and_keeps_its_fields() {
        let invalid = Error::invalid(vec![Issue::new("slug", "is taken"), Issue::new("title", "is long")]);
        let error = ApiError::from(invalid);
        assert_eq!((error.code(), error.details().len()), (ErrorCode::ValidationFailed, 2));
        assert_eq!(error.reason().as_deref(), Some("slug, title"));
        for (kind, status) in [
            (Kind::Malformed, 400),
            (Kind::InvalidCursor, 400),
            (Kind::NotFound, 404),
            (Kind::AlreadyExists, 409),
            (Kind::VersionMismatch, 412),
            (Kind::Conflict, 409),
            (Kind::Unauthenticated, 401),
            (Kind::Expired, 401),
            (Kind::InsufficientScope, 403),
            (Kind::Unavailable, 503),
            (Kind::Timeout, 504),
            (Kind::Internal, 500),
        ] {
            assert_eq!(ApiError::from(Error::new(kind, "x")).status(), status, "{kind:?}");
        }
    }

    #[test]
    fn a_wait_is_whole_seconds_rounded_up_and_at_least_one() {
        for (wait, seconds) in [(0, "1"), (1, "1"), (1_000, "1"), (1_001, "2"), (59_999, "60")] {
            let error = Error::new(Kind::Unavailable, "x").with_retry_after(Duration::from_millis(wait));
            let response = ApiError::from(error).into_response();
            assert_eq!(response.headers()[RETRY_AFTER], seconds);
        }
    }

    #[test]
    fn a_bare_status_has_one_code_and_the_code_its_status() {
        for status in 400..600 {
            let error = ApiError::of_status(StatusCode::from_u16(status).unwrap());
            let known = ErrorCode::ALL.iter().any(|code| code.status() == status);
            let expected = if known { status } else { status / 100 * 100 };
            assert_eq!(error.status().as_u16(), expected);
        }
    }

    #[test]
    fn a_401_always_has_a_challenge() {
        let response = ApiError::of(ErrorCode::Unauthenticated).into_response();
        assert_eq!(response.headers()[WWW_AUTHENTICATE], "Bearer realm=\"waypost\"");
    }

    #[test]
    fn results_stay_small() {
        assert_eq!(size_of::<ApiResult<()>>(), size_of::<usize>());
    }
}
