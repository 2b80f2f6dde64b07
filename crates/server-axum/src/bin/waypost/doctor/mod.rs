//! `waypost doctor`: what is well, what is not, and what to do about it.

mod addresses;
mod disk;
mod machine;
mod store;

use std::fmt;
use std::process::ExitCode;

use clap::Args;

use crate::failure::Failure;
use crate::settings::{AllFlags, Settings};

/// Check settings, data directory, store, spool and addresses; changes nothing.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  waypost doctor
  waypost doctor --config /etc/waypost.toml

Each line is ok, warn or fail, a name, what was found, and the cure. The status is 1 if any line is a fail.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    flags: AllFlags,
}

/// One thing that was looked at.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    grade: Grade,
    name: &'static str,
    text: String,
}

/// How well it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grade {
    Ok,
    Warn,
    Fail,
}

impl Finding {
    fn ok(name: &'static str, text: impl Into<String>) -> Self {
        Self { grade: Grade::Ok, name, text: text.into() }
    }

    fn warn(name: &'static str, text: impl Into<String>) -> Self {
        Self { grade: Grade::Warn, name, text: text.into() }
    }

    fn fail(name: &'static str, text: impl Into<String>) -> Self {
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

/// Looks at everything.
pub(crate) async fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let settings = match Settings::load(&arguments.flags.0) {
        Ok(settings) => settings,
        Err(fault) => {
            println!("{}", Finding::fail("settings", fault.to_string()));
            return Ok(ExitCode::FAILURE);
        }
    };
    crate::logging::start(&settings, "error");
    let mut findings = vec![Finding::ok("settings", "all of them can be used")];
    findings.extend(disk::look(&settings));
    findings.extend(store::look(&settings).await);
    findings.extend(addresses::look(&settings));
    findings.extend(machine::look(&settings));
    let mut failed = false;
    for finding in findings {
        failed |= finding.grade == Grade::Fail;
        println!("{finding}");
    }
    Ok(ExitCode::from(u8::from(failed)))
}
