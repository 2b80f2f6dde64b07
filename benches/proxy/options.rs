//! What can be set about a run.

use std::env;
use std::fmt;
use std::str::FromStr;
use std::thread::available_parallelism;

use serde_json::{Value, json};

/// The argument by which the bench starts itself as the server behind.
pub(super) const BACKEND: &str = "--serve-backend";

const HELP: &str = "\
Usage: cargo bench --bench proxy -- [OPTIONS]

  --quick            few short rounds, for a check that all of it works
  --rounds N         rounds (default 7)
  --seconds S        seconds a turn (default 4)
  --connections N    connections (default 64)
  --threads N        load threads (default 1)
  --workers N        nginx's workers (default: one a processor)
  --roles ROLES      what the server does (default gateway)
  --enforce          fail when a target is missed";

/// A run's options.
pub(super) struct Options {
    pub(super) is_backend: bool,
    pub(super) rounds: usize,
    pub(super) seconds: f64,
    pub(super) connections: usize,
    pub(super) threads: usize,
    pub(super) workers: usize,
    pub(super) roles: String,
    pub(super) enforce: bool,
}

impl Options {
    /// Reads the command line; `None` when there is nothing to run.
    pub(super) fn from_args() -> Result<Option<Self>, String> {
        let mut options = Self {
            is_backend: false,
            rounds: 7,
            seconds: 4.0,
            connections: 64,
            threads: 1,
            workers: available_parallelism().map_or(1, std::num::NonZeroUsize::get),
            roles: "gateway".to_owned(),
            enforce: false,
        };
        let mut is_bench = false;
        let mut arguments = env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
            match argument.as_str() {
                BACKEND => (options.is_backend, is_bench) = (true, true),
                "--bench" => is_bench = true,
                "--quick" => (options.rounds, options.seconds) = (3, 1.0),
                "--enforce" => options.enforce = true,
                "--rounds" => options.rounds = number(&value()?, 1, 1_000)?,
                "--seconds" => options.seconds = number(&value()?, 0.1, 600.0)?,
                "--connections" => options.connections = number(&value()?, 1, 1_000)?,
                "--threads" => options.threads = number(&value()?, 1, 64)?,
                "--workers" => options.workers = number(&value()?, 1, 64)?,
                "--roles" => options.roles = value()?,
                "--help" => {
                    println!("{HELP}");
                    return Ok(None);
                }
                _ => return Err(format!("{argument} is unknown\n\n{HELP}")),
            }
        }
        if !is_bench {
            // `cargo test --all-targets` runs benches too, to see that they start.
            println!("run this by `cargo bench --bench proxy`");
            return Ok(None);
        }
        Ok(Some(options))
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "rounds": self.rounds, "seconds": self.seconds, "connections": self.connections, "threads": self.threads,
            "workers": self.workers, "roles": self.roles,
        })
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rounds, seconds, connections, threads, workers, roles, .. } = self;
        write!(
            f,
            "{rounds} rounds of {seconds} s a turn, {connections} connections, {threads} load thread(s), {workers} nginx \
             worker(s), roles {roles}; each: answers/s, p50 and p99 in ms"
        )
    }
}

fn number<N: FromStr + PartialOrd + fmt::Display>(text: &str, least: N, most: N) -> Result<N, String> {
    match text.parse::<N>() {
        Ok(number) if number >= least && number <= most => Ok(number),
        _ => Err(format!("`{text}` must be a number from {least} to {most}")),
    }
}
