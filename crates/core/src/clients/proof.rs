//! How a client shows who it is.

use std::fmt;

/// What a client shows to prove who it is. Exactly one: a request with two is refused before it gets here.
#[derive(Clone, PartialEq, Eq)]
pub enum ClientProof {
    /// An id and a secret, in a header or in the body (RFC 6749 §2.3.1).
    Secret {
        /// The `client_id`.
        id: String,
        /// The `client_secret`.
        secret: String,
    },
    /// An assertion that the client signed (RFC 7523 §2.2).
    Assertion {
        /// The `client_id`, which need not stand beside the assertion.
        id: Option<String>,
        /// The JWT.
        assertion: String,
    },
    /// An id alone, as public clients do.
    Nothing {
        /// The `client_id`.
        id: String,
    },
}

impl fmt::Debug for ClientProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Secret { .. } => "ClientProof::Secret(..)",
            Self::Assertion { .. } => "ClientProof::Assertion(..)",
            Self::Nothing { .. } => "ClientProof::Nothing(..)",
        })
    }
}
