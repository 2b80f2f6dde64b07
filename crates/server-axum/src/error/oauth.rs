//! Errors as OAuth clients read them (RFC 6749 §5.2).

use http::HeaderValue;
use http::header::WWW_AUTHENTICATE;
use waypost_core::clients::{Refusal, RefusalCode};
use waypost_core::wire::v1::ErrorCode;

use super::{ApiError, causes};

/// How a client authenticates, for a 401 (RFC 7617).
const CHALLENGE: HeaderValue = HeaderValue::from_static("Basic realm=\"waypost\", charset=\"UTF-8\"");

impl ApiError {
    /// The name of the rule for OAuth clients. An error that has none of its own (a limit, a body of another kind) is
    /// named by what it comes to.
    pub fn oauth_code(&self) -> &'static str {
        self.0.oauth.unwrap_or(match self.0.code.status() {
            401 => RefusalCode::InvalidClient.as_str(),
            429 | 503 => "temporarily_unavailable",
            500.. => "server_error",
            _ => RefusalCode::InvalidRequest.as_str(),
        })
    }

    /// A refusal by a rule of OAuth.
    pub(crate) fn refused(code: RefusalCode, says: &'static str) -> Self {
        Refusal::new(code, says).into()
    }

    fn of_refusal(code: RefusalCode, says: &'static str, reason: &str) -> Self {
        let mut error = match code {
            // 401 asks for authentication as HTTP has it (RFC 9110 §15.5.2), however the client tried.
            RefusalCode::InvalidClient => {
                Self::new(ErrorCode::Unauthenticated, says).with_header(WWW_AUTHENTICATE, CHALLENGE)
            }
            _ => Self::new(ErrorCode::MalformedRequest, says),
        };
        error = error.with_reason(format!("{}: {reason}", code.as_str()));
        error.inner().oauth = Some(code.as_str());
        error
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Refused { code, says, reason } => Self::of_refusal(code, says, reason),
            Refusal::Token { code, says, source } => Self::of_refusal(code, says, &source.to_string()),
            Refusal::Failed(error) => {
                let reason = causes(&error);
                Self::from(error).with_reason(reason)
            }
        }
    }
}
