//! `waypost gateway`: the routes that lead elsewhere, checked and shown.

mod configured;
mod listing;
mod watch;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use waypost_server_axum::proxy::config::{Fault, SCHEMA};

use crate::failure::Failure;
use crate::settings::{AllFlags, Settings};
pub(crate) use configured::{plan, vocabulary};
pub(crate) use watch::SettingsFile;

/// Check and show the routes of the gateway.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  waypost gateway check
  waypost gateway check /etc/waypost.toml
  waypost gateway routes
  waypost gateway schema > gateway.schema.json

`check` prints every fault with its place and its cure, and ends with status 2; or else a table of the routes. A running
server takes a changed file up by itself within seconds, and at once at a SIGHUP.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Check the section [gateway] of a file
    Check(Check),
    /// Print the routes of the program itself, in the form of the file
    Routes,
    /// Print the JSON Schema of the section
    Schema,
}

#[derive(Debug, Args)]
struct Check {
    /// The file [default: that of the settings]
    #[arg(value_name = "FILE")]
    file: Option<String>,
    #[command(flatten)]
    flags: AllFlags,
}

/// Does what was asked.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let text = match &arguments.action {
        Action::Check(check) => {
            let settings = match &check.file {
                Some(file) => Settings::load(&check.flags.0.clone().with_config(file))?,
                None => Settings::load(&check.flags.0)?,
            };
            let plan = plan(settings.sections.get("gateway"), &vocabulary(&settings)?).map_err(every)?;
            listing::table(&plan)
        }
        Action::Routes => listing::own(),
        Action::Schema => SCHEMA.to_owned(),
    };
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // Whoever reads no further has seen enough.
        Err(fault) if fault.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::broken(format!("standard output cannot be written: {fault}")))
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// Every fault, a line each.
pub(crate) fn every(faults: Vec<Fault>) -> Failure {
    let lines: Vec<String> = faults.iter().map(|fault| fault.to_string().replace(['\r', '\n'], " ")).collect();
    Failure::usage(lines.join("\nwaypost: "))
}
