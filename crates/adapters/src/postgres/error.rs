//! Faults of the database, and the one place where they become errors for callers.

use std::time::Duration;

use sqlx::migrate::MigrateError;
use waypost_core::{Error, Kind};

/// The SQLSTATEs, and classes of them, that a caller can do something about (PostgreSQL, appendix A).
mod state {
    /// Class 08: the connection broke.
    pub(super) const CONNECTION: &str = "08";
    /// Class 53: no memory, no disk, no connection left.
    pub(super) const RESOURCES: &str = "53";
    /// Class 57: the server is stopped, is starting, or stopped the statement.
    pub(super) const INTERVENTION: &str = "57";
    /// The statement took longer than a statement may.
    pub(super) const TOO_LONG: &str = "57014";
    /// Class 58: the server's disk failed.
    pub(super) const SYSTEM: &str = "58";
    /// Class 25: the transaction was ended for standing idle, or the server only reads.
    pub(super) const TRANSACTION: &str = "25";
    /// Class 28: the user or the password is wrong.
    pub(super) const AUTHORISATION: &str = "28";
    /// Two transactions were in each other's way, and this one gave way.
    pub(super) const GAVE_WAY: [&str; 3] = ["40001", "40P01", "55P03"];
    /// The user lacks a privilege.
    pub(super) const NOT_ALLOWED: &str = "42501";
    /// A row of this name is there already.
    pub(super) const UNIQUE: &str = "23505";
    /// There is no such database.
    pub(super) const NO_DATABASE: &str = "3D000";
}

/// A server is back within seconds of a restart.
const RETRY: Duration = Duration::from_secs(1);
/// A wrong password, or a database that is not there, takes somebody to correct it.
const RETRY_CORRECTED: Duration = Duration::from_secs(10);

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
    /// What was to be kept stands under a name that another row has.
    #[error("the {0} is there already")]
    Taken(&'static str),
    /// The address is not one.
    #[error("the address is not postgres://USER:PASSWORD@HOST:PORT/DATABASE")]
    Url,
}

impl Fault {
    /// The SQLSTATE, where the fault has one.
    pub(super) fn state(&self) -> Option<String> {
        match self {
            Self::Driver(fault)
            | Self::Migrate(MigrateError::Execute(fault) | MigrateError::ExecuteMigration(fault, _)) => {
                Some(fault.as_database_error()?.code()?.into_owned())
            }
            _ => None,
        }
    }

    /// The same fault, told as `what` being there already where that is what it is.
    pub(super) fn taken(self, what: &'static str) -> Self {
        if self.state().as_deref() == Some(state::UNIQUE) { Self::Taken(what) } else { self }
    }

    /// Whether the conversation broke off, or never began.
    pub(super) fn is_cut_off(&self) -> bool {
        matches!(
            self,
            Self::Driver(
                sqlx::Error::Io(_)
                    | sqlx::Error::Tls(_)
                    | sqlx::Error::Protocol(_)
                    | sqlx::Error::PoolTimedOut
                    | sqlx::Error::PoolClosed
                    | sqlx::Error::WorkerCrashed
            )
        )
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        let unavailable = |message: &'static str| Error::new(Kind::Unavailable, message).with_retry_after(RETRY);
        let refused = |message: &'static str| Error::new(Kind::Unavailable, message).with_retry_after(RETRY_CORRECTED);
        let code = fault.state();
        let code = code.as_deref().unwrap_or_default();
        let error = match &fault {
            Fault::Migrate(MigrateError::VersionMissing(version)) => Error::new(
                Kind::Conflict,
                format!("The database has schema version {version}, which this program does not know"),
            ),
            Fault::Migrate(MigrateError::VersionMismatch(version)) => Error::new(
                Kind::Conflict,
                format!("The database's schema version {version} is not the one of this program"),
            ),
            Fault::Taken(_) => Error::new(Kind::Conflict, "It is there already"),
            Fault::Url => Error::new(Kind::Invalid, fault.to_string()),
            _ if code == state::NO_DATABASE => refused("The database does not exist; create it"),
            _ if code.starts_with(state::AUTHORISATION) => refused("The database refuses the user or password"),
            _ if code.starts_with(state::RESOURCES) || code.starts_with(state::SYSTEM) => {
                unavailable("The store is full: out of disk, memory or connections")
            }
            _ if code == state::TOO_LONG => Error::new(Kind::Timeout, "The store took too long"),
            _ if code == state::NOT_ALLOWED => Error::new(
                Kind::Unavailable,
                "The database user may not do this; it must own the tables and their schema",
            )
            .with_retry_after(RETRY),
            _ if state::GAVE_WAY.contains(&code) => unavailable("The store is busy"),
            _ if fault.is_cut_off()
                || [state::CONNECTION, state::INTERVENTION, state::TRANSACTION]
                    .iter()
                    .any(|class| code.starts_with(class)) =>
            {
                unavailable("The store is away")
            }
            _ => return Error::internal(fault),
        };
        error.with_source(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_is_away_is_told_apart_from_a_fault_of_ours() {
        let away = Error::from(Fault::Driver(sqlx::Error::PoolTimedOut));
        assert_eq!(away.kind(), Kind::Unavailable);
        assert!(away.retry_after().is_some() && !away.message().contains("pool"));
        let newer = Error::from(Fault::Migrate(MigrateError::VersionMissing(7)));
        assert_eq!(newer.kind(), Kind::Conflict);
        assert_eq!(Error::from(Fault::Column("slug")).kind(), Kind::Internal);
        assert_eq!(Error::from(Fault::Url).kind(), Kind::Invalid);
    }
}
