//! `waypost openapi`: the description of the API.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Args;

use crate::failure::Failure;

/// Print the OpenAPI 3.1 document of the API.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  waypost openapi > openapi.json\n  waypost openapi | jq '.paths | keys'")]
pub(crate) struct Arguments {}

/// Prints the document.
pub(crate) fn run(_: &Arguments) -> Result<ExitCode, Failure> {
    let document = document()?;
    let mut out = std::io::stdout().lock();
    match out.write_all(document.as_bytes()).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush()) {
        // Whoever reads no further has seen enough.
        Err(fault) if fault.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::broken(format!("standard output cannot be written: {fault}")))
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

fn document() -> Result<String, Failure> {
    serde_json::to_string_pretty(&waypost_server_axum::openapi())
        .map_err(|fault| Failure::broken(format!("the document cannot be written as JSON: {fault}")))
}
