//! What PostgreSQL's own client does with the same two rows.

use std::process::Command;
use std::time::Duration;

use super::{DATA, DESTINATION};
use crate::Outcome;
use crate::schema::Schema;
use crate::support::daemon;
use crate::support::postgres::program;

/// What it runs, over and over.
#[derive(Clone, Copy)]
pub(super) enum Script {
    /// One statement after the other, as a program without the adapter would.
    Transaction,
    /// All of it at once, as fast as the protocol allows.
    OneTrip,
}

impl Script {
    fn file(self) -> &'static str {
        match self {
            Self::Transaction => concat!(env!("CARGO_MANIFEST_DIR"), "/benches/engines/creates/transaction.sql"),
            Self::OneTrip => concat!(env!("CARGO_MANIFEST_DIR"), "/benches/engines/creates/one_trip.sql"),
        }
    }
}

/// Runs a script for whole seconds; gives transactions a second, without the time that connecting took.
pub(super) fn run(schema: &Schema, script: Script, connections: usize, time: Duration) -> Outcome<f64> {
    let printed = daemon::run(
        Command::new(program("pgbench")?)
            .args(["--no-vacuum", "--protocol=prepared", "--jobs=2", "--file", script.file()])
            .arg(format!("--client={connections}"))
            .arg(format!("--time={}", time.as_secs().max(1)))
            .arg(format!("--define=destination={DESTINATION}"))
            .arg(format!("--define=data={DATA}"))
            .arg(&schema.url)
            .env("PGOPTIONS", format!("-c search_path={}", schema.name)),
    )?;
    let rate = printed.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
    rate.ok_or_else(|| format!("pgbench told no rate: {printed}").into())
}
