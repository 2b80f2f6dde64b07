//! `waypost doctor`: what is well, what is not, and what to do about it.

mod addresses;
mod disk;
mod finding;
mod machine;
mod pinned;
mod ready;
mod webhooks;

use std::process::ExitCode;

use clap::Args;

use crate::failure::Failure;
use crate::settings::{AllFlags, Settings};
use crate::store;
pub(crate) use finding::{Finding, Grade};

/// Check settings, data directory, store, spool, addresses and servers; changes nothing.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  waypost doctor
  waypost doctor --config /etc/waypost.toml
  waypost doctor --ready

Each line is ok, warn or fail, a name, what was found, and the cure. The status is 1 if any line is a fail.")]
pub(crate) struct Arguments {
    /// Only ask the running server whether it is ready: the health check of a container
    #[arg(long)]
    ready: bool,
    #[command(flatten)]
    flags: AllFlags,
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
    let findings = if arguments.ready { vec![ready::look(&settings).await] } else { everything(&settings).await };
    let mut failed = false;
    for finding in findings {
        failed |= finding.grade == Grade::Fail;
        println!("{finding}");
    }
    Ok(ExitCode::from(u8::from(failed)))
}

async fn everything(settings: &Settings) -> Vec<Finding> {
    let mut findings = vec![Finding::ok("settings", "all of them can be used")];
    findings.extend(disk::look(settings));
    findings.extend(store::examine(settings).await);
    findings.extend(addresses::look(settings));
    findings.extend(webhooks::look(settings));
    findings.extend(ready::look_if_running(settings).await);
    findings.extend(machine::look(settings));
    findings
}
