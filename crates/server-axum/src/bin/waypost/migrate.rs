//! `waypost migrate`: the tables of the store.

use std::process::ExitCode;

use clap::Args;
use waypost_adapters::sqlite::{self, Run};

use crate::data_dir;
use crate::failure::Failure;
use crate::settings::{Settings, StoreFlags};

/// Bring the tables of the store up to date. `serve` does so by itself; this is for those who want to see first.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  waypost migrate --list\n  waypost migrate --dry-run\n  waypost migrate --data-dir data"
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
    let path = settings.database_file().ok_or_else(|| {
        Failure::from(
            settings.fault("database_url", "a store in memory has no tables to migrate; name a sqlite:// one"),
        )
    })?;
    if arguments.list {
        for migration in sqlite::migrations(&path).await? {
            let state = if migration.applied { "applied" } else { "missing" };
            println!("{:04} {} {state}", migration.version, migration.name);
        }
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.dry_run && !path.exists() {
        println!("{} is not there yet; `waypost serve` makes it with every table", path.display());
        return Ok(ExitCode::SUCCESS);
    }
    // No server may run on tables that change under it.
    let _hold = data_dir::hold(&settings)?;
    let (run, done) = if arguments.dry_run { (Run::Try, "works, undone again") } else { (Run::Apply, "applied") };
    let ran = sqlite::migrate(&path, run).await?;
    if ran.is_empty() {
        println!("{} is up to date", path.display());
    }
    for migration in ran {
        println!("{:04} {} {done}", migration.version, migration.name);
    }
    Ok(ExitCode::SUCCESS)
}
