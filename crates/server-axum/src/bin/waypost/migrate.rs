//! `waypost migrate`: the tables of the store.

use std::process::ExitCode;

use clap::Args;

use crate::data_dir;
use crate::failure::Failure;
use crate::settings::{Place, Settings, StoreFlags};
use crate::store::{self, Run};

/// Bring the tables of the store up to date. `serve` does so by itself; this is for those who want to see first.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  waypost migrate --list\n  waypost migrate --dry-run\n  waypost migrate --data-dir data\n  waypost migrate --database-url-file /run/secrets/database-url"
)]
pub(crate) struct Arguments {
    /// List the migrations and whether the store has them; change nothing
    #[arg(long, conflicts_with = "dry_run")]
    list: bool,
    /// Run what is missing and undo it again
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    flags: StoreFlags,
}

/// Lists, tries or runs the migrations.
pub(crate) async fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let settings = Settings::load(&arguments.flags.0)?;
    crate::logging::start(&settings, "warn");
    if arguments.list {
        for step in store::migrations(&settings).await? {
            let state = if step.applied { "applied" } else { "missing" };
            println!("{:04} {} {state}", step.version, step.name);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let place = settings.place();
    if let Place::File(path) = &place
        && arguments.dry_run
        && !path.exists()
    {
        println!("{} is not there yet; `waypost serve` makes it with every table", path.display());
        return Ok(ExitCode::SUCCESS);
    }
    // No server may run on a file whose tables change under it; on PostgreSQL nodes go on meanwhile.
    let _hold = matches!(place, Place::File(_)).then(|| data_dir::hold(&settings)).transpose()?;
    let (run, done) = if arguments.dry_run { (Run::Try, "works, undone again") } else { (Run::Apply, "applied") };
    let ran = store::migrate(&settings, run).await?;
    if ran.is_empty() {
        println!("{place} is up to date");
    }
    for step in ran {
        println!("{:04} {} {done}", step.version, step.name);
    }
    Ok(ExitCode::SUCCESS)
}
