//! Why a token is not good.

use crate::error::{Error, Kind};

/// Why a token is not good, in words for the log. Clients are told no more than that it is not, or that its time is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Larger than any of ours.
    #[error("token is larger than 8 KiB")]
    TooLarge,
    /// Not three parts joined by dots: encrypted, of another serialisation, or cut.
    #[error("token has not three parts")]
    Parts,
    /// A part is not base64url without padding (RFC 7515 §2).
    #[error("token has a part that is not base64url without padding")]
    Encoding,
    /// Header or claims are no JSON object, or have a name twice.
    #[error("token has a part that is no JSON object with each name once")]
    Json,
    /// The header holds what would let the token choose its own key or rules.
    #[error("token has `{0}` in its header")]
    Header(&'static str),
    /// The algorithm is not the one of the key.
    #[error("token has another algorithm than its key")]
    Algorithm,
    /// The type is another: an ID token, say.
    #[error("token is of another type")]
    Type,
    /// No such key.
    #[error("token names a key that is not known")]
    Key,
    /// The signature is not one of the key over the token.
    #[error("token has a wrong signature")]
    Signature,
    /// A claim is missing, or is of another form.
    #[error("token has no good claim `{0}`")]
    Claim(&'static str),
    /// `iss` is another.
    #[error("token has another issuer")]
    Issuer,
    /// `aud` is another.
    #[error("token has another audience")]
    Audience,
    /// `exp` has passed.
    #[error("token has expired")]
    Expired,
    /// `nbf` or `iat` lies ahead.
    #[error("token is not valid yet")]
    NotYet,
    /// Bound to another method or path.
    #[error("token was made for another request")]
    Request,
    /// The token was revoked by itself.
    #[error("token was revoked")]
    Denied,
    /// The client was revoked, or is not there.
    #[error("token is of a client that was revoked")]
    ClientGone,
    /// The grant was ended, or is over.
    #[error("token is of a grant that has ended")]
    GrantGone,
    /// The person is no member any more.
    #[error("token is of somebody who is no member any more")]
    MemberGone,
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        let error = match fault {
            Fault::Expired => Error::new(Kind::Expired, "The access token has expired"),
            _ => Error::new(Kind::Unauthenticated, "The access token is not good"),
        };
        error.with_source(fault)
    }
}
