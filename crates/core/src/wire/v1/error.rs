//! Errors on the wire: one shape, and the registry of every code there is.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What every error looks like, on every route and in every protocol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ErrorBody {
    /// The error.
    pub error: ErrorDetail,
}

/// An error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ErrorDetail {
    /// What to decide by. Never changes its meaning; new ones may come.
    #[cfg_attr(feature = "schema", schema(example = "VALIDATION_FAILED"))]
    pub code: String,
    /// What to read. May change at any time: never parse it.
    pub message: String,
    /// Every faulty field; empty where there is none.
    pub details: Vec<FieldIssue>,
    /// The request's id, the same as in the header `X-Request-Id`.
    pub request_id: String,
    /// The page about this code.
    pub documentation_url: String,
}

/// One faulty field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct FieldIssue {
    /// Where: `destination`, `items[3].slug`, `query.limit`, `header.Idempotency-Key`, `path.id`.
    pub field: String,
    /// What is wrong with it.
    pub issue: String,
}

/// Whether a client may send the same request again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The same request would fail again.
    Never,
    /// It may: a read at once, a write under its idempotency key.
    Safe,
    /// It may, after the time that `Retry-After` gives.
    AfterWait,
}

macro_rules! registry {
    ($($(#[doc = $meaning:literal])* $name:ident = $text:literal, $status:literal, $retry:ident, $cure:literal;)*) => {
        /// Every code there is. The error pages and the OpenAPI document are made from this list.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $($(#[doc = $meaning])* $name,)*
        }

        impl ErrorCode {
            /// All of them, by status.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The text on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// The HTTP status code that it travels with.
            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status),* }
            }

            /// Whether a retry can help.
            pub fn retry(self) -> Retry {
                match self { $(Self::$name => Retry::$retry),* }
            }

            /// What it means.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($meaning),*).trim_ascii()),* }
            }

            /// What a client does about it.
            pub fn cure(self) -> &'static str {
                match self { $(Self::$name => $cure),* }
            }
        }
    };
}

registry! {
    #[doc = "The request cannot be read: broken JSON, a key that stands twice, a body that is no object, a header that is not well formed."]
    MalformedRequest = "MALFORMED_REQUEST", 400, Never, "Send the request in the form that the documentation shows.";
    #[doc = "The cursor was not made by this listing with these filters and this sort order."]
    InvalidCursor = "INVALID_CURSOR", 400, Never, "Pass `next_cursor` on unchanged, with the same filters, or begin without a cursor.";
    #[doc = "The header `Idempotency-Key` is empty, too long, stands twice, or has characters that are not visible ASCII."]
    InvalidIdempotencyKey = "INVALID_IDEMPOTENCY_KEY", 400, Never, "Send one key of 1 to 255 visible ASCII characters, for example a UUID.";
    #[doc = "A policy of this server demands an `Idempotency-Key` here."]
    IdempotencyKeyRequired = "IDEMPOTENCY_KEY_REQUIRED", 400, Never, "Send one key of 1 to 255 visible ASCII characters, the same one on each retry.";
    #[doc = "There are no credentials, or they are not known, or they were revoked."]
    Unauthenticated = "UNAUTHENTICATED", 401, Never, "Send `Authorization: Bearer` with an API key of this server.";
    #[doc = "The credentials were good, and their time is over."]
    TokenExpired = "TOKEN_EXPIRED", 401, Never, "Get new credentials.";
    #[doc = "The credentials lack the scope that `details` names."]
    InsufficientScope = "INSUFFICIENT_SCOPE", 403, Never, "Use credentials that have the scope.";
    #[doc = "The caller may not do this."]
    Forbidden = "FORBIDDEN", 403, Never, "Ask an owner of the workspace.";
    #[doc = "There is nothing here, or it belongs to another workspace."]
    NotFound = "NOT_FOUND", 404, Never, "Check the path and the id.";
    #[doc = "The path is right, the method is not."]
    MethodNotAllowed = "METHOD_NOT_ALLOWED", 405, Never, "Use a method that the header `Allow` lists.";
    #[doc = "Nothing that the header `Accept` allows can be sent from here."]
    NotAcceptable = "NOT_ACCEPTABLE", 406, Never, "Allow `application/json`.";
    #[doc = "The request took too long to arrive."]
    RequestTimeout = "REQUEST_TIMEOUT", 408, Safe, "Send it again, with its idempotency key.";
    #[doc = "Another link of this domain has the slug."]
    SlugTaken = "SLUG_TAKEN", 409, Never, "Choose another slug, or leave it out for a random one.";
    #[doc = "A request with the same idempotency key is being carried out."]
    IdempotencyInFlight = "IDEMPOTENCY_IN_FLIGHT", 409, AfterWait, "Send the same request again after `Retry-After`.";
    #[doc = "The state of the thing does not allow this now."]
    Conflict = "CONFLICT", 409, Never, "Read it again and decide anew.";
    #[doc = "It was here and is gone: a link that expired, is used up or switched off, or a route after its sunset."]
    Gone = "GONE", 410, Never, "Nothing brings it back by itself.";
    #[doc = "The thing has changed since the version that `If-Match` names."]
    VersionMismatch = "VERSION_MISMATCH", 412, Never, "Read it again, and repeat the change with its new `ETag`.";
    #[doc = "The body is larger than this route takes."]
    PayloadTooLarge = "PAYLOAD_TOO_LARGE", 413, Never, "Send less at a time.";
    #[doc = "The URI is longer than 8 KiB."]
    UriTooLong = "URI_TOO_LONG", 414, Never, "Shorten it.";
    #[doc = "The body is not of a type or an encoding that this route reads."]
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE", 415, Never, "Send `Content-Type: application/json` (for `PATCH` also `application/merge-patch+json`), without a content encoding.";
    #[doc = "Fields of the request break rules; `details` lists all of them."]
    ValidationFailed = "VALIDATION_FAILED", 422, Never, "Correct every field that is listed.";
    #[doc = "The idempotency key was used before, for another request."]
    IdempotencyKeyReused = "IDEMPOTENCY_KEY_REUSED", 422, Never, "Use a new key for a new request.";
    #[doc = "This is reached by another protocol, which the header `Upgrade` names, or by another version of it."]
    UpgradeRequired = "UPGRADE_REQUIRED", 426, Never, "Ask for the protocol that the header `Upgrade` names: a WebSocket by its handshake, over HTTP/1.1.";
    #[doc = "A policy of this server demands `If-Match` here."]
    PreconditionRequired = "PRECONDITION_REQUIRED", 428, Never, "Read the thing, and send its `ETag` as `If-Match`.";
    #[doc = "More requests came than the policy that the headers name allows."]
    RateLimited = "RATE_LIMITED", 429, AfterWait, "Wait for `Retry-After`.";
    #[doc = "The header fields are larger than 32 KiB or more than 100."]
    HeadersTooLarge = "HEADERS_TOO_LARGE", 431, Never, "Send fewer or shorter header fields.";
    #[doc = "A fault of the server, which has been logged under the request's id."]
    Internal = "INTERNAL", 500, Safe, "Send it again with its idempotency key; if it stays, tell the operator the request's id.";
    #[doc = "A server behind this one answered in a way that makes no sense."]
    UpstreamFailed = "UPSTREAM_FAILED", 502, Safe, "Send it again with its idempotency key.";
    #[doc = "The server is overloaded, shutting down, or waits for something that it depends on."]
    Unavailable = "UNAVAILABLE", 503, AfterWait, "Send the same request again after `Retry-After`.";
    #[doc = "Something behind this server took too long."]
    UpstreamTimeout = "UPSTREAM_TIMEOUT", 504, Safe, "Send it again with its idempotency key.";
}

impl ErrorCode {
    /// The code with this text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_well_formed_single_and_sorted_by_status() {
        let mut seen = std::collections::BTreeSet::new();
        let mut last = 0;
        for code in ErrorCode::ALL {
            let text = code.as_str();
            assert!(text.len() <= 63 && text.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'), "{text}");
            assert!(seen.insert(text), "{text} stands twice");
            assert!(code.status() >= last, "{text}");
            last = code.status();
            assert_eq!(ErrorCode::parse(text), Some(*code));
        }
    }
}
