//! Why a token is not believed.

/// Why a token is not believed; for the log, never for who showed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// It is longer than any honest one.
    #[error("the token is longer than 8 KiB")]
    TooLong,
    /// It is not three parts of base64url without padding.
    #[error("the token is not three parts of base64url")]
    NotCompact,
    /// Its header is not an object of JSON that can be read in one way.
    #[error("the token's header is not strict JSON")]
    Header,
    /// Its header asks for something that no token may ask for: `crit`, `jwk`, `jku`, `x5u`, `x5c`, `b64`.
    #[error("the token's header holds {0}")]
    HeaderAsks(&'static str),
    /// Its claims are not an object of JSON that can be read in one way.
    #[error("the token's claims are not strict JSON")]
    Claims,
    /// Its algorithm is not among those that are allowed.
    #[error("the token's algorithm is not allowed")]
    Algorithm,
    /// Its type is another one.
    #[error("the token is of another type")]
    Type,
    /// It names no key that there is, or none that fits its algorithm.
    #[error("the token names no key of its issuer")]
    Key,
    /// The signature is not the key's.
    #[error("the token's signature is wrong")]
    Signature,
    /// Nobody trusts its issuer here.
    #[error("the token has an issuer that is not trusted")]
    Issuer,
    /// It is meant for somebody else.
    #[error("the token has another audience")]
    Audience,
    /// It was issued to somebody else.
    #[error("the token has another authorized party")]
    Party,
    /// A claim that must be there is not, or is of another kind.
    #[error("the token's claim {0} is missing or not of its kind")]
    Claim(&'static str),
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its time has not come.
    #[error("the token is not valid yet")]
    NotYet,
    /// It says that it was issued in the future.
    #[error("the token was issued in the future")]
    IssuedAhead,
    /// It was made for another attempt to sign in.
    #[error("the token has another nonce")]
    Nonce,
    /// It is an ID token, which opens nothing.
    #[error("the token is an ID token")]
    IdToken,
    /// It does not belong to the access token that came along with it.
    #[error("the token is bound to another access token")]
    Bound,
    /// It names no workspace, or one that its issuer may not speak for.
    #[error("the token names no workspace that its issuer may speak for")]
    Workspace,
}
