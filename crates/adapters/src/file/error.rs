//! What can go wrong with files, and what of it callers are told.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use waypost_core::{Error, Kind};

/// How long after a failed attempt to get space the next one is made. Long enough to cost nothing on the redirect's
/// path, short enough that an operator who makes room sees clicks counted again at once.
pub(super) const RETRY: Duration = Duration::from_secs(1);

#[derive(Debug, thiserror::Error)]
pub(super) enum FileError {
    #[error("the click spool holds as much as it may")]
    Full,
    #[error("there was no space a moment ago")]
    NoSpace,
    #[error("could not {doing} {}", path.display())]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
    #[error("a task that reads the click spool was stopped")]
    Stopped,
}

impl FileError {
    /// Names what was being done, and to which file.
    pub(super) fn io(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { doing, path, source }
    }
}

impl From<FileError> for Error {
    fn from(error: FileError) -> Self {
        let message = match &error {
            FileError::Full => "The click spool is full",
            FileError::NoSpace | FileError::Io { .. } => "The click spool cannot be written or read at the moment",
            FileError::Stopped => return Self::internal(error),
        };
        Self::new(Kind::Unavailable, message).with_retry_after(RETRY).with_source(error)
    }
}
