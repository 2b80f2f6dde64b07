//! Where a store is.

use std::fmt;
use std::path::PathBuf;

use super::ServerUrl;

/// Where a store is.
#[derive(Debug)]
pub(crate) enum Place<'a> {
    /// In this process's memory.
    Memory,
    /// In a SQLite file.
    File(PathBuf),
    /// In a PostgreSQL database.
    Postgres(&'a ServerUrl),
}

/// For people; without user and password.
impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory"),
            Self::File(path) => path.display().fmt(f),
            Self::Postgres(url) => write!(f, "PostgreSQL at {url}"),
        }
    }
}
