//! `waypost export`: everything out again, in bounded memory.
//!
//! Rows are read page by page in the order of their making, so an export of a million links holds a hundred of them at
//! a time. A row that is made or deleted meanwhile neither repeats nor hides another one.

mod clicks;
mod links;
mod out;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use waypost_core::clock::{Clock as _, SystemClock};

use crate::failure::Failure;
use crate::import::{Progress, grouped};
use crate::settings::{Settings, StoreFlags};
use crate::store::Store;
use out::Out;

/// Export links or clicks as CSV or JSON lines.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  waypost export links > links.csv
  waypost export links --format jsonl --output links.jsonl
  waypost export clicks --output clicks.csv

The CSV of links can be imported again: `waypost import links.csv`.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Every link, oldest first
    Links(How),
    /// Every single click that is still kept, oldest first
    Clicks(How),
}

#[derive(Debug, Args)]
struct How {
    /// The format
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,
    /// The file to write [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The workspace
    #[arg(long, default_value = crate::store::WORKSPACE)]
    workspace: String,
    #[command(flatten)]
    flags: StoreFlags,
}

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Comma-separated values with a header
    Csv,
    /// One JSON object a line
    Jsonl,
}

/// Exports.
pub(crate) async fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let (What::Links(how) | What::Clicks(how)) = &arguments.what;
    let settings = Settings::load(&how.flags.0)?;
    crate::logging::start(&settings, "warn");
    let mut out = Out::open(how.format, how.output.as_deref())?;
    let store = Store::open_existing(&settings).await?;
    let done = write(&arguments.what, how, &store, &mut out).await;
    store.close().await?;
    done
}

async fn write(what: &What, how: &How, store: &Store, out: &mut Out) -> Result<ExitCode, Failure> {
    let workspace = store.platform.credentials.workspace(&how.workspace).await?.id;
    let mut progress = Progress::new(SystemClock.now(), None);
    let show = |rows| progress.show(SystemClock.now(), rows, 0);
    let written = match what {
        What::Links(_) => links::write(store, workspace, out, show).await,
        What::Clicks(_) => clicks::write(store, workspace, out, show).await,
    };
    progress.end();
    let rows = match written.and_then(|rows| out.finish().map(|()| rows)) {
        // Whoever reads no further has seen enough.
        Err(_) if out.is_closed() => return Ok(ExitCode::SUCCESS),
        written => written?,
    };
    eprintln!("{} rows written", grouped(rows));
    Ok(ExitCode::SUCCESS)
}
