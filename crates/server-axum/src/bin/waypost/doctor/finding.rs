//! What was found, and how well it is.

use std::fmt;

/// One thing that was looked at.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) grade: Grade,
    pub(crate) name: &'static str,
    text: String,
}

/// How well it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grade {
    Ok,
    Warn,
    Fail,
}

impl Finding {
    pub(crate) fn ok(name: &'static str, text: impl Into<String>) -> Self {
        Self { grade: Grade::Ok, name, text: text.into() }
    }

    pub(crate) fn warn(name: &'static str, text: impl Into<String>) -> Self {
        Self { grade: Grade::Warn, name, text: text.into() }
    }

    pub(crate) fn fail(name: &'static str, text: impl Into<String>) -> Self {
        Self { grade: Grade::Fail, name, text: text.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let grade = match self.grade {
            Grade::Ok => "ok  ",
            Grade::Warn => "warn",
            Grade::Fail => "fail",
        };
        write!(f, "{grade} {}: {}", self.name, self.text)
    }
}
