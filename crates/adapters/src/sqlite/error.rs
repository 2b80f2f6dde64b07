//! Faults of the database, and the one place where they become errors for callers.

use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::MigrateError;
use waypost_core::{Error, Kind};

/// The primary result codes that a caller can do something about (SQLite, "Result and Error Codes").
mod code {
    /// Another connection holds the write lock for longer than the busy timeout.
    pub(super) const BUSY: i32 = 5;
    /// Another statement of this process holds a table.
    pub(super) const LOCKED: i32 = 6;
    /// The file, or the file system under it, may only be read.
    pub(super) const READONLY: i32 = 8;
    /// The disk failed, or refused the space that a write-ahead log needs.
    pub(super) const IOERR: i32 = 10;
    /// No space is left, on the disk or under `max_page_count`.
    pub(super) const FULL: i32 = 13;
    /// The file cannot be opened.
    pub(super) const CANTOPEN: i32 = 14;
}

/// The low byte of an extended result code is the primary one.
const PRIMARY: i32 = 0xFF;

/// A lock is held for the length of one group of writes.
const RETRY_BUSY: Duration = Duration::from_secs(1);
/// A full disk takes somebody to make room.
const RETRY_FULL: Duration = Duration::from_secs(10);

/// What can go wrong in this adapter.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// The driver reports a failure.
    #[error("the database failed")]
    Driver(#[from] sqlx::Error),
    /// A migration failed.
    #[error("a migration failed")]
    Migrate(#[from] MigrateError),
    /// A row holds what no code of ours writes.
    #[error("the column {0} holds a value of no known form")]
    Column(&'static str),
    /// The transaction that this write was part of failed for all that were in it.
    #[error("the group of writes failed")]
    Group(#[source] Arc<Fault>),
    /// What was to be kept stands under a name that another row has.
    #[error("the {0} is there already")]
    Taken(&'static str),
    /// The database was closed.
    #[error("the database is closed")]
    Closed,
}

impl Fault {
    /// SQLite's primary result code, where the fault has one.
    fn code(&self) -> Option<i32> {
        match self {
            Self::Driver(fault)
            | Self::Migrate(MigrateError::Execute(fault) | MigrateError::ExecuteMigration(fault, _)) => {
                let extended: i32 = fault.as_database_error()?.code()?.parse().ok()?;
                Some(extended & PRIMARY)
            }
            Self::Group(fault) => fault.code(),
            _ => None,
        }
    }

    /// Whether another connection was in the way.
    pub(super) fn is_busy(&self) -> bool {
        matches!(self.code(), Some(code::BUSY | code::LOCKED))
    }

    fn is_away(&self) -> bool {
        match self {
            Self::Driver(
                sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed,
            )
            | Self::Closed => true,
            Self::Group(fault) => fault.is_away(),
            _ => false,
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        let unavailable = |message: &'static str, wait| Error::new(Kind::Unavailable, message).with_retry_after(wait);
        let error = match (&fault, fault.code()) {
            (Fault::Migrate(MigrateError::VersionMissing(version)), _) => Error::new(
                Kind::Conflict,
                format!(
                    "The database has schema version {version}, which this program does not know; use a newer program"
                ),
            ),
            (Fault::Migrate(MigrateError::VersionMismatch(version)), _) => Error::new(
                Kind::Conflict,
                format!("The database's schema version {version} is not the one of this program"),
            ),
            (Fault::Taken(_), _) => Error::new(Kind::Conflict, "It is there already"),
            (_, Some(code::FULL | code::IOERR)) => {
                unavailable("The store cannot write: its disk is full or failing", RETRY_FULL)
            }
            (_, Some(code::READONLY)) => unavailable("The store may only be read at the moment", RETRY_FULL),
            (_, Some(code::CANTOPEN)) => unavailable("The store cannot be opened", RETRY_FULL),
            (_, Some(code::BUSY | code::LOCKED)) => unavailable("The store is busy", RETRY_BUSY),
            _ if fault.is_away() => unavailable("The store is away", RETRY_BUSY),
            _ => return Error::internal(fault),
        };
        error.with_source(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_group_tells_each_of_its_writes_the_same() {
        let shared = Arc::new(Fault::Driver(sqlx::Error::PoolTimedOut));
        for _ in 0..2 {
            let error = Error::from(Fault::Group(Arc::clone(&shared)));
            assert_eq!(error.kind(), Kind::Unavailable);
            assert!(error.retry_after().is_some() && !error.message().contains("pool"));
        }
    }

    #[test]
    fn a_newer_database_is_told_apart_from_a_fault_of_ours() {
        let newer = Error::from(Fault::Migrate(MigrateError::VersionMissing(7)));
        assert_eq!(newer.kind(), Kind::Conflict);
        assert!(newer.message().contains("version 7"));
        assert_eq!(Error::from(Fault::Column("slug")).kind(), Kind::Internal);
    }
}
