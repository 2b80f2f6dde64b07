//! Faults of Redis, and the one place where they become errors for callers.

use std::time::Duration;

use redis::{ErrorKind, RedisError, ServerErrorKind};
use waypost_core::{Error, Kind};

/// The codes that a caller can do something about, beside those that the driver has a word for: the first word of an
/// error reply.
mod code {
    /// Above `maxmemory`, under `noeviction`.
    pub(super) const OUT_OF_MEMORY: &str = "OOM";
    /// The last snapshot, or the append-only file, could not be written.
    pub(super) const CANNOT_PERSIST: &str = "MISCONF";
    /// Fewer replicas than `min-replicas-to-write`.
    pub(super) const TOO_FEW_REPLICAS: &str = "NOREPLICAS";
    /// A script of somebody else runs for too long.
    pub(super) const BUSY: &str = "BUSY";
    /// The user or the password is wrong or missing.
    pub(super) const UNAUTHENTICATED: [&str; 2] = ["NOAUTH", "WRONGPASS"];
}

/// A server is back within seconds of a restart or a fail-over.
const RETRY: Duration = Duration::from_secs(1);
/// Full memory takes somebody to make room.
const RETRY_FULL: Duration = Duration::from_secs(10);

/// What can go wrong in this adapter.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// The driver reports a failure.
    #[error("Redis failed")]
    Driver(#[from] RedisError),
    /// A key, or a script's answer, holds what no code of ours writes.
    #[error("{0} has no known form")]
    Form(&'static str),
    /// The script and the pure function came to two decisions.
    #[error("the limit's script does not decide as its policy does")]
    Disagreement,
    /// No connection in time.
    #[error("Redis did not answer in time")]
    Late,
    /// The address is not one.
    #[error("the address of Redis is not redis://USER:PASSWORD@HOST:PORT/DATABASE")]
    Url,
    /// The prefix cannot stand in a hash tag.
    #[error("the prefix of keys is not 1 to 64 characters without braces")]
    Prefix,
}

impl Fault {
    /// Whether the connection broke, so that the same command may well go through on the next one.
    pub(super) fn is_cut_off(&self) -> bool {
        matches!(self, Self::Driver(fault) if fault.is_connection_dropped())
    }

    /// Whether another connection may fare better: this one is half-open, or leads to a server that was a primary once.
    pub(super) fn wants_another_connection(&self) -> bool {
        match self {
            Self::Driver(fault) => fault.is_timeout() || fault.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly),
            _ => matches!(self, Self::Late),
        }
    }

    /// Whether the server knows the command, and does not carry it out for this user.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(self, Self::Driver(fault) if fault.kind() == ErrorKind::Server(ServerErrorKind::NoPerm))
    }

    /// Whether the server has not seen this script since it was started.
    pub(super) fn is_unknown_script(&self) -> bool {
        matches!(self, Self::Driver(fault) if fault.kind() == ErrorKind::Server(ServerErrorKind::NoScript))
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        let unavailable = |message: &'static str, wait| Error::new(Kind::Unavailable, message).with_retry_after(wait);
        let error = match &fault {
            Fault::Url | Fault::Prefix => Error::new(Kind::Invalid, fault.to_string()),
            Fault::Late => Error::new(Kind::Timeout, "Redis did not answer in time").with_retry_after(RETRY),
            Fault::Driver(driver) => match (driver.kind(), driver.code()) {
                _ if driver.is_timeout() => {
                    Error::new(Kind::Timeout, "Redis did not answer in time").with_retry_after(RETRY)
                }
                (ErrorKind::Io, _) => unavailable("Redis is away", RETRY),
                (ErrorKind::AuthenticationFailed | ErrorKind::Server(ServerErrorKind::NoPerm), _) => {
                    unavailable("Redis refuses the user or password", RETRY_FULL)
                }
                (ErrorKind::RESP3NotSupported, _) => {
                    unavailable("Redis is too old: version 7.0 is the least", RETRY_FULL)
                }
                (
                    ErrorKind::Server(
                        ServerErrorKind::BusyLoading
                        | ServerErrorKind::ReadOnly
                        | ServerErrorKind::MasterDown
                        | ServerErrorKind::ClusterDown
                        | ServerErrorKind::TryAgain,
                    ),
                    _,
                ) => unavailable("Redis is starting or changing its primary", RETRY),
                (_, Some(code::BUSY)) => unavailable("Redis is busy", RETRY),
                (_, Some(code::OUT_OF_MEMORY)) => unavailable("Redis is full: out of memory", RETRY_FULL),
                (_, Some(code::CANNOT_PERSIST | code::TOO_FEW_REPLICAS)) => {
                    unavailable("Redis cannot write: its disk or its replicas fail", RETRY_FULL)
                }
                (_, Some(word)) if code::UNAUTHENTICATED.contains(&word) => {
                    unavailable("Redis refuses the user or password", RETRY_FULL)
                }
                _ => return Error::internal(fault),
            },
            Fault::Form(_) | Fault::Disagreement => return Error::internal(fault),
        };
        error.with_source(fault)
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn told(kind: io::ErrorKind) -> Error {
        Fault::Driver(RedisError::from(io::Error::from(kind))).into()
    }

    #[test]
    fn away_and_slow_are_told_apart_from_a_fault_of_ours() {
        assert_eq!(told(io::ErrorKind::ConnectionRefused).kind(), Kind::Unavailable);
        assert!(told(io::ErrorKind::BrokenPipe).retry_after().is_some());
        assert_eq!(told(io::ErrorKind::TimedOut).kind(), Kind::Timeout);
        assert_eq!(Error::from(Fault::Form("an event")).kind(), Kind::Internal);
        assert_eq!(Error::from(Fault::Url).kind(), Kind::Invalid);
    }
}
