//! `waypost import`: links from elsewhere.
//!
//! ```text
//! source ── formats ── Row ── ready ── batches ══ channel ══ Sink::write ── fates ── report, rejects, progress
//! └───────────── a thread that reads and checks ─┘          └─── two batches at a time, in order ───┘
//! ```
//!
//! What it promises:
//! 1. Running it again makes no doubles. A link that is there already, leading where the source says, counts as such.
//!    A row without a slug gets one that is drawn from what the row says ([`slugs`]), so it meets itself again.
//! 2. It can be stopped at any time and run again; a signal lets the batches under way finish first.
//! 3. Whatever did not become a link is told with line and reason, and written to a file that can be mended and
//!    imported.
//! 4. Of two rows with one slug, the first in the source wins.

mod batch;
mod draft;
mod formats;
mod progress;
mod rejects;
mod report;
mod run;
mod sink;
mod slugs;
mod source;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::failure::Failure;
use crate::settings::{ClientFlags, Settings};
use crate::store::Store;
use formats::{ColumnMap, Format, Options};
pub(crate) use progress::Progress;
pub(crate) use report::grouped;
use sink::{RemoteSink, StoreSink};
use source::Source;

/// The most links of one batch: what a server takes at once.
const MOST: u16 = 1_000;

/// Import links from a CSV file or from the export of Bitly, YOURLS, Kutt, Shlink or Dub.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  waypost import links.csv
  waypost import sheet.csv --map slug=Name --map destination=#3
  zcat yourls.sql.gz | waypost import - --format yourls --dry-run
  waypost import links.csv --url https://go.example.com --key-file key.txt

Running it again makes no doubles. The status is 0 if every link is there now, 1 if some were refused, 2 for a wrong
argument or setting, 3 if the import broke off.")]
pub(crate) struct Arguments {
    /// The file to read, or - for standard input
    file: PathBuf,
    /// The format: csv, bitly, yourls, kutt, shlink or dub [default: told from the first bytes]
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,
    /// Which column says what, by name or by number: slug=Name, destination=#3
    #[arg(long, value_name = "FIELD=COLUMN")]
    map: Vec<String>,
    /// The domain to import under, whatever the source says
    #[arg(long, value_name = "HOST")]
    domain: Option<String>,
    /// The workspace to import into; with --url it is that of the key
    #[arg(long, default_value = crate::store::WORKSPACE, conflicts_with = "url")]
    workspace: String,
    /// How many links to write at once
    #[arg(long, value_name = "LINKS", default_value_t = MOST, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    batch: u16,
    /// Where refused rows go [default: FILE.rejected.csv]
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Read and check everything, and write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    flags: ClientFlags,
}

/// Imports.
pub(crate) async fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let settings = Settings::load(&arguments.flags.0)?;
    crate::logging::start(&settings, "warn");
    let options = options(&arguments)?;
    let source = Source::open(&arguments.file)?;
    let plan = run::Plan {
        batch: usize::from(arguments.batch),
        rejects: rejects::Rejects::new(&arguments.file, arguments.rejects.clone())?,
        domain: arguments.domain.clone(),
        is_trial: arguments.dry_run,
    };
    if let Some(url) = &settings.url {
        let key = settings.key.as_ref().ok_or_else(|| {
            Failure::from(settings.fault("key", "is needed to talk to a server; give --key-file, or WAYPOST_KEY"))
        })?;
        let sink = RemoteSink::new(url, key.expose())?;
        return run::run(sink, source, options, plan).await;
    }
    let store = Store::open(&settings).await?;
    let workspace = store.platform.credentials.workspace(&arguments.workspace).await?.id;
    let secret = store.platform.credentials.secret("import").await?;
    let sink = StoreSink::new(store.platform.clone(), store.operator(workspace), secret);
    let ended = run::run(sink, source, options, plan).await;
    store.close().await?;
    ended
}

fn options(arguments: &Arguments) -> Result<Options, Failure> {
    let mut columns = ColumnMap::default();
    for map in &arguments.map {
        columns.add(map).map_err(|fault| Failure::usage(format!("--map: {fault}")))?;
    }
    let format: Option<Format> = arguments
        .format
        .as_deref()
        .map(str::parse)
        .transpose()
        .map_err(|fault: formats::OpenError| Failure::usage(format!("--format: {fault}")))?;
    Ok(Options { format, columns, delimiter: None })
}
