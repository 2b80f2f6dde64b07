//! What goes wrong on the way.

use waypost_core::{Error, Kind};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("the address {0} may not be asked: https, or http on this machine alone")]
    Address(String),
    #[error("the client cannot be made")]
    Client(#[source] reqwest::Error),
    #[error("no answer")]
    Request(#[source] reqwest::Error),
    #[error("the answer has the status {0}")]
    Status(u16),
    #[error("the answer is larger than 256 KiB")]
    TooLarge,
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::new(Kind::Unavailable, "The issuer cannot be reached at the moment").with_source(fault)
    }
}
