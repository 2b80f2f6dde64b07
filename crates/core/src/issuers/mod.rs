//! Issuers that the operator trusts: whose tokens are believed, and how their keys are had.
//!
//! A foreign issuer is known by its `iss`. Its keys are found by OpenID discovery, or where the operator says; they are
//! fetched ahead of need ([`KeyRefresher`]), kept in memory, and asked for once more when a token names a key that is not
//! among them. [`Issuers::verify`] says whom a token speaks for. The rules are those of RFC 8725 and RFC 9068 §4: nothing
//! that a token says of itself chooses how it is checked.
//!
//! People's [`login`](crate::login) uses the same keys and the same reading of tokens, under rules of its own: no token of
//! one kind is ever taken for the other.

mod algorithm;
mod claims;
mod flaw;
mod issuer;
mod jws;
mod keys;
mod metadata;
mod options;
mod port;
mod refresher;
mod service;

pub use algorithm::{Algorithm, UnknownAlgorithm};
pub use flaw::Flaw;
pub use issuer::Issuer;
pub use metadata::Metadata;
pub(crate) use options::is_issuer;
pub use options::{IssuerOptions, TokenType, WorkspaceRule};
pub use port::{Document, IssuerHttp, may_ask};
pub use refresher::KeyRefresher;
pub use service::{Issuers, Vouched};

pub(crate) use claims::{Claims, SKEW};
pub(crate) use jws::Jws;
