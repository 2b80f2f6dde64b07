//! `waypost openapi`: the description of the API.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Args;

use crate::failure::Failure;
use crate::settings::{Settings, StoreFlags};
use crate::store;

/// Print the OpenAPI 3.1 document of the API.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  waypost openapi > openapi.json\n  waypost openapi | jq '.paths | keys'")]
pub(crate) struct Arguments {
    #[command(flatten)]
    flags: StoreFlags,
}

/// Prints the document.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let settings = Settings::load(&arguments.flags.0)?;
    let document = waypost_server_axum::openapi(&store::public_url(&settings, settings.listen));
    let mut out = std::io::stdout().lock();
    match out.write_all(document.as_bytes()).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush()) {
        // Whoever reads no further has seen enough.
        Err(fault) if fault.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::broken(format!("standard output cannot be written: {fault}")))
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}
