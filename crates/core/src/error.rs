//! The one error of every port, service and engine.
//!
//! An outcome that a caller must expect (a slug that is taken, a busy key, a limit that is used up) is a *value* of
//! the call that finds it. What is left is failure, and failure is this type: one word wide, opaque, with a
//! [`Kind`] to decide by, an optional wait, and a real `source()` that `Display` does not repeat.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

/// The result of every port and service.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, as far as a caller may decide by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// The input is not of the form that can be read at all: broken JSON, a body that is no object.
    Malformed,
    /// The input breaks a rule; [`Error::issues`] lists every faulty field.
    Invalid,
    /// The cursor is forged, foreign, or belongs to another query.
    InvalidCursor,
    /// There is no such thing for this caller (a row of another workspace included).
    NotFound,
    /// The name is taken by another row.
    AlreadyExists,
    /// The row has moved on since the version that the caller saw.
    VersionMismatch,
    /// The state of the thing, or a lease that was lost, forbids this now.
    Conflict,
    /// The caller is not known.
    Unauthenticated,
    /// The credentials were good, and their time is over.
    Expired,
    /// The caller is known, and lacks a scope; [`Error::issues`] names it.
    InsufficientScope,
    /// The caller is known, and may not, whatever its scopes.
    Forbidden,
    /// A dependency is away, full or overloaded. Worth a retry after [`Error::retry_after`].
    Unavailable,
    /// A dependency took longer than it was given.
    Timeout,
    /// A fault of ours, or data that no rule of ours allows.
    Internal,
}

/// One faulty field and what is wrong with it.
///
/// Paths are those of §3: `destination`, `items[3].slug`, `query.limit`, `header.If-Match`, `path.id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// Where the fault is.
    pub field: String,
    /// What is wrong, in words for the caller.
    pub issue: String,
}

impl Issue {
    /// Names a fault.
    pub fn new(field: impl Into<String>, issue: impl Into<String>) -> Self {
        Self { field: field.into(), issue: issue.into() }
    }
}

/// A failure. What a caller must expect is a value of its call, and never one of these.
pub struct Error(Box<Inner>);

struct Inner {
    kind: Kind,
    message: Cow<'static, str>,
    issues: Vec<Issue>,
    retry_after: Option<Duration>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// A failure of `kind`, told in `message`: words for clients, never text of a driver.
    pub fn new(kind: Kind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner { kind, message: message.into(), issues: Vec::new(), retry_after: None, source: None }))
    }

    /// The input breaks rules: all of them at once.
    pub fn invalid(issues: Vec<Issue>) -> Self {
        let message = match issues.len() {
            1 => "The request has 1 invalid field".to_owned(),
            n => format!("The request has {n} invalid fields"),
        };
        Self::new(Kind::Invalid, message).with_issues(issues)
    }

    /// There is no such `thing` for this caller.
    pub fn not_found(thing: &'static str) -> Self {
        Self::new(Kind::NotFound, format!("There is no such {thing}"))
    }

    /// A fault of ours; `source` is for the log only.
    pub fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(Kind::Internal, "An internal fault; it has been logged").with_source(source)
    }

    /// Adds the fields that are at fault.
    #[must_use]
    pub fn with_issues(mut self, issues: Vec<Issue>) -> Self {
        self.0.issues = issues;
        self
    }

    /// Says how long to wait before a retry can succeed.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// Keeps the cause, for `source()`.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The words for clients.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Every faulty field; empty unless the input was at fault.
    pub fn issues(&self) -> &[Issue] {
        &self.0.issues
    }

    /// How long to wait before a retry, where that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Whether the same call may succeed later, unchanged.
    pub fn is_retryable(&self) -> bool {
        matches!(self.0.kind, Kind::Unavailable | Kind::Timeout)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Error");
        out.field("kind", &self.0.kind).field("message", &self.0.message);
        if !self.0.issues.is_empty() {
            out.field("issues", &self.0.issues);
        }
        if let Some(source) = &self.0.source {
            out.field("source", source);
        }
        out.finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_word_wide_and_the_cause_is_told_once() {
        let error = Error::internal(std::io::Error::other("disk on fire"));
        assert_eq!(size_of::<Result<(), Error>>(), size_of::<usize>());
        assert!(!error.to_string().contains("disk"), "text for clients holds no text for us");
        assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("disk on fire"));
    }
}
