//! Why a command did not do what it was asked to.

use std::error::Error as _;
use std::process::ExitCode;

use waypost_core::Error;

use crate::settings::SettingFault;

/// The end of a command that could not do its work: one line for people, and the status for programs.
#[derive(Debug)]
pub(crate) struct Failure {
    status: u8,
    text: String,
}

impl Failure {
    /// What was asked for cannot be done as it was asked: a wrong setting, argument or file.
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self { status: 2, text: text.into() }
    }

    /// It was begun, and could not be brought to its end.
    pub(crate) fn broken(text: impl Into<String>) -> Self {
        Self { status: 3, text: text.into() }
    }

    /// Tells it on standard error.
    pub(crate) fn tell(&self) -> ExitCode {
        eprintln!("waypost: {}", self.text);
        ExitCode::from(self.status)
    }
}

impl From<SettingFault> for Failure {
    fn from(fault: SettingFault) -> Self {
        Self::usage(fault.to_string())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::broken(in_full(&error))
    }
}

/// An error with its causes and fields, for operators; clients never see the causes.
pub(crate) fn in_full(error: &Error) -> String {
    let mut text = error.message().to_owned();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    for issue in error.issues() {
        text.push_str(&format!("; {} {}", issue.field, issue.issue));
    }
    text.replace('\n', " ")
}
