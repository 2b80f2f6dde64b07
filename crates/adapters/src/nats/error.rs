//! Faults of NATS, and the one place where they become errors for callers.

use std::error::Error as StdError;
use std::time::Duration;

use async_nats::client::{RequestError, RequestErrorKind, SubscribeError};
use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use async_nats::{ConnectError, ConnectErrorKind};
use waypost_core::{Error, Kind};

/// JetStream refuses to store: a limit of the stream, of the account or of the server is reached, or its disk is full.
const FULL: [ErrorCode; 5] = [
    ErrorCode::STREAM_STORE_FAILED,
    ErrorCode::STORAGE_RESOURCES_EXCEEDED,
    ErrorCode::ACCOUNT_RESOURCES_EXCEEDED,
    ErrorCode::INSUFFICIENT_RESOURCES,
    ErrorCode::MEMORY_RESOURCES_EXCEEDED,
];
/// JetStream is off, on the server or for the account.
const OFF: [ErrorCode; 2] = [ErrorCode::JETSTREAM_NOT_ENABLED, ErrorCode::JETSTREAM_NOT_ENABLED_FOR_ACCOUNT];
/// There is something of this name, and it is not what it should be.
const FOREIGN: [ErrorCode; 3] =
    [ErrorCode::STREAM_SUBJECT_OVERLAP, ErrorCode::STREAM_NAME_EXIST, ErrorCode::STREAM_INVALID_CONFIG];
/// There are not as many servers as replicas are asked for.
const FEW: [ErrorCode; 2] = [ErrorCode::STREAM_REPLICAS_NOT_SUPPORTED, ErrorCode::CLUSTER_NO_PEERS];

/// The connection tries again within two seconds.
const RETRY_AWAY: Duration = Duration::from_secs(1);
/// A full log, or JetStream that is off, takes somebody to change it.
const RETRY_CHANGED: Duration = Duration::from_secs(10);

/// What can go wrong in this adapter.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// An address that is none. Its text may hold a password, and so is not kept.
    #[error("an address of the server cannot be read")]
    Address,
    /// Credentials that are none.
    #[error("the credentials cannot be read")]
    Credentials,
    /// A prefix that no stream can bear.
    #[error("the prefix is not a name")]
    Prefix,
    /// No connection was made.
    #[error("the connection failed")]
    Connect(#[from] ConnectError),
    /// The connection is down at the moment.
    #[error("the connection is down")]
    Away,
    /// The server answers, and nobody in it keeps logs.
    #[error("nobody answers for JetStream")]
    NoResponders,
    /// The server took too long.
    #[error("the server did not answer in time")]
    Slow,
    /// Messages were lost on their way from the server.
    #[error("messages were lost on their way")]
    Lost,
    /// JetStream says no.
    #[error("JetStream refused: {1} ({code})", code = .0.0)]
    Refused(ErrorCode, String),
    /// An event that is too large.
    #[error("an event of {size} bytes is larger than {most}")]
    Large {
        /// How large it is.
        size: usize,
        /// How large it may be.
        most: usize,
    },
    /// An answer holds what no code of ours or the server's writes.
    #[error("{0} has no known form")]
    Form(&'static str),
    /// The driver reports a failure.
    #[error("the client of NATS failed")]
    Driver(#[source] Box<dyn StdError + Send + Sync>),
}

impl Fault {
    /// A failure of the driver, whose kind lies somewhere among its sources.
    pub(super) fn driver(error: impl StdError + Send + Sync + 'static) -> Self {
        let mut link: Option<&(dyn StdError + 'static)> = Some(&error);
        while let Some(cause) = link {
            match cause.downcast_ref::<RequestError>().map(RequestError::kind) {
                Some(RequestErrorKind::TimedOut) => return Self::Slow,
                Some(RequestErrorKind::NoResponders) => return Self::NoResponders,
                _ => {}
            }
            match cause.downcast_ref::<PublishError>().map(PublishError::kind) {
                Some(PublishErrorKind::TimedOut) => return Self::Slow,
                Some(PublishErrorKind::StreamNotFound) => return Self::NoResponders,
                Some(PublishErrorKind::BrokenPipe) => return Self::Away,
                _ => {}
            }
            if let Some(refusal) = cause.downcast_ref::<async_nats::jetstream::Error>() {
                return Self::Refused(refusal.error_code(), refusal.to_string());
            }
            link = cause.source();
        }
        Self::Driver(Box::new(error))
    }

    /// Whether JetStream said this.
    pub(super) fn is(&self, code: ErrorCode) -> bool {
        matches!(self, Self::Refused(said, _) if *said == code)
    }
}

impl From<RequestError> for Fault {
    fn from(error: RequestError) -> Self {
        Self::driver(error)
    }
}

impl From<PublishError> for Fault {
    fn from(error: PublishError) -> Self {
        Self::driver(error)
    }
}

impl From<SubscribeError> for Fault {
    fn from(error: SubscribeError) -> Self {
        Self::driver(error)
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        let unavailable = |message: &'static str, wait| Error::new(Kind::Unavailable, message).with_retry_after(wait);
        let error = match &fault {
            Fault::Address => Error::new(Kind::Invalid, "An address of NATS is not of the form nats://HOST:PORT"),
            Fault::Credentials => Error::new(Kind::Invalid, "The credentials for NATS are not those of a .creds file"),
            Fault::Prefix => {
                Error::new(Kind::Invalid, "The prefix in NATS must be letters, digits, - and _, at most 100 of them")
            }
            Fault::Connect(error) => match error.kind() {
                ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => {
                    unavailable("NATS does not accept the credentials", RETRY_CHANGED)
                }
                _ => unavailable("NATS is away", RETRY_AWAY),
            },
            Fault::Away | Fault::Lost | Fault::Driver(_) => unavailable("NATS is away", RETRY_AWAY),
            Fault::NoResponders => unavailable(
                "NATS keeps no log here: start the server with JetStream (-js), and enable it for the account",
                RETRY_CHANGED,
            ),
            Fault::Refused(code, _) if OFF.contains(code) => {
                unavailable("NATS keeps no log here: JetStream is not enabled for the account", RETRY_CHANGED)
            }
            Fault::Refused(code, _) if FULL.contains(code) => unavailable(
                "The log of events is full: raise its limit in NATS (max_bytes) or its disk, or keep events for less \
                 time",
                RETRY_CHANGED,
            ),
            Fault::Refused(code, _) if FEW.contains(code) => {
                unavailable("NATS has fewer servers than the log is to have replicas", RETRY_CHANGED)
            }
            Fault::Refused(code, _) if FOREIGN.contains(code) => Error::new(
                Kind::Conflict,
                "NATS has a stream of this name or these subjects that is not the log of events; use another prefix",
            ),
            Fault::Refused(..) => unavailable("The log of events is not at hand in NATS", RETRY_AWAY),
            Fault::Slow => Error::new(Kind::Timeout, "NATS did not answer in time").with_retry_after(RETRY_AWAY),
            Fault::Large { size, most } => Error::new(
                Kind::Invalid,
                format!("An event of {size} bytes is larger than the log takes, which is {most} bytes"),
            ),
            Fault::Form(_) => return Error::internal(fault),
        };
        error.with_source(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_is_found_among_the_sources() {
        let slow = PublishError::with_source(PublishErrorKind::Other, RequestError::new(RequestErrorKind::TimedOut));
        assert_eq!(Error::from(Fault::from(slow)).kind(), Kind::Timeout);
        let gone = Error::from(Fault::from(PublishError::new(PublishErrorKind::BrokenPipe)));
        assert!(gone.kind() == Kind::Unavailable && gone.retry_after().is_some());
    }

    #[test]
    fn what_an_operator_can_cure_names_the_cure() {
        let full = Error::from(Fault::Refused(ErrorCode::STREAM_STORE_FAILED, "maximum bytes exceeded".to_owned()));
        assert!(full.kind() == Kind::Unavailable && full.message().contains("max_bytes"));
        let off = Error::from(Fault::NoResponders);
        assert!(off.kind() == Kind::Unavailable && off.message().contains("-js"));
    }
}
