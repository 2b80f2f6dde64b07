//! What an OAuth client is told when it is refused.

use crate::error::Error;
use crate::tokens::Fault;

/// The reasons that the protocol has names for (RFC 6749 §5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefusalCode {
    /// A parameter is missing, stands twice, or is of another form.
    InvalidRequest,
    /// The client did not prove who it is.
    InvalidClient,
    /// The code or refresh token is not good, or is another client's.
    InvalidGrant,
    /// The client may not do this.
    UnauthorizedClient,
    /// There is no such grant type.
    UnsupportedGrantType,
    /// The scope is not known, or is more than was granted.
    InvalidScope,
}

impl RefusalCode {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
        }
    }
}

/// Why a client does not get what it asks for.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// By the rules.
    #[error("{says}")]
    Refused {
        /// The name of the rule.
        code: RefusalCode,
        /// Words for the client; they give nothing away.
        says: &'static str,
        /// Words for the log.
        reason: &'static str,
    },
    /// A token that was shown is not good.
    #[error("{says}")]
    Token {
        /// The name of the rule.
        code: RefusalCode,
        /// Words for the client.
        says: &'static str,
        /// What is wrong with the token, for the log.
        source: Fault,
    },
    /// Something that it takes is away.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl Refusal {
    /// A refusal, told to the client and to the log in the same words.
    pub fn new(code: RefusalCode, says: &'static str) -> Self {
        Self::Refused { code, says, reason: says }
    }

    /// The client is not the one that it says, which is told in the same words whatever the reason.
    pub(crate) fn client(reason: &'static str) -> Self {
        Self::Refused { code: RefusalCode::InvalidClient, says: CLIENT, reason }
    }

    /// The client's assertion is not good.
    pub(crate) fn assertion(source: Fault) -> Self {
        Self::Token { code: RefusalCode::InvalidClient, says: CLIENT, source }
    }

    /// The code or refresh token is not good.
    pub(crate) fn grant(reason: &'static str) -> Self {
        Self::Refused { code: RefusalCode::InvalidGrant, says: GRANT, reason }
    }

    /// The rule, if it was refused by one.
    pub fn code(&self) -> Option<RefusalCode> {
        match self {
            Self::Refused { code, .. } | Self::Token { code, .. } => Some(*code),
            Self::Failed(_) => None,
        }
    }
}

const CLIENT: &str = "The client did not prove who it is";
const GRANT: &str = "The code or refresh token is not good for this client and request";
