//! What can be set about a run.

use std::env;
use std::fmt;
use std::str::FromStr;

use serde_json::{Value, json};

/// The argument by which the bench starts itself as the bare server.
pub(super) const BARE: &str = "--serve-bare";

const HELP: &str = "\
Usage: cargo bench --bench redirects -- [OPTIONS]

  --quick            few short rounds, for a check that all of it works
  --rounds N         pairs of rounds (default 7)
  --seconds S        seconds a round (default 4)
  --connections N    connections (default 64)
  --threads N        load threads (default 2)
  --links N          links in the round over many, at most 1,000 (default 1,000)
  --rate N           requests a second in the open loop (default 10,000)
  --enforce          fail when a target is missed
  --env NAME=VALUE   one more setting for the server; may be repeated";

/// A run's options.
pub(super) struct Options {
    pub(super) is_bare: bool,
    pub(super) rounds: usize,
    pub(super) seconds: f64,
    pub(super) connections: usize,
    /// Two, so that load and server together fill two cores: a server that costs more then shows it, where a core left
    /// partly idle would hide it.
    pub(super) threads: usize,
    pub(super) links: usize,
    pub(super) rate: u32,
    pub(super) rate_seconds: f64,
    pub(super) memory_redirects: u64,
    pub(super) enforce: bool,
    environment: Vec<(String, String)>,
}

impl Options {
    /// Reads the command line; `None` when there is nothing to run.
    pub(super) fn from_args() -> Result<Option<Self>, String> {
        let mut options = Self {
            is_bare: false,
            rounds: 7,
            seconds: 4.0,
            connections: 64,
            threads: 2,
            links: 1_000,
            rate: 10_000,
            rate_seconds: 10.0,
            memory_redirects: 1_000_000,
            enforce: false,
            environment: Vec::new(),
        };
        let mut is_bench = false;
        let mut arguments = env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
            match argument.as_str() {
                BARE => (options.is_bare, is_bench) = (true, true),
                "--bench" => is_bench = true,
                "--quick" => {
                    (options.rounds, options.seconds, options.rate_seconds) = (3, 1.0, 2.0);
                    options.memory_redirects = 50_000;
                }
                "--enforce" => options.enforce = true,
                "--rounds" => options.rounds = number(&value()?, 1, 1_000)?,
                "--seconds" => options.seconds = number(&value()?, 0.1, 600.0)?,
                "--connections" => options.connections = number(&value()?, 1, 10_000)?,
                "--threads" => options.threads = number(&value()?, 1, 64)?,
                "--links" => options.links = number(&value()?, 1, 1_000)?,
                "--rate" => options.rate = number(&value()?, 1, 1_000_000)?,
                "--env" => match value()?.split_once('=') {
                    Some((name, value)) => options.environment.push((name.to_owned(), value.to_owned())),
                    None => return Err("--env needs NAME=VALUE".to_owned()),
                },
                "--help" => {
                    println!("{HELP}");
                    return Ok(None);
                }
                _ => return Err(format!("{argument} is unknown\n\n{HELP}")),
            }
        }
        if !is_bench {
            // `cargo test --all-targets` runs benches too, to see that they start.
            println!("run this by `cargo bench --bench redirects`");
            return Ok(None);
        }
        Ok(Some(options))
    }

    pub(super) fn environment(&self) -> impl Iterator<Item = (&str, &str)> {
        self.environment.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "rounds": self.rounds, "seconds": self.seconds, "connections": self.connections, "threads": self.threads,
            "links": self.links, "environment": self.environment,
        })
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rounds, seconds, connections, threads, .. } = self;
        write!(f, "{rounds} pairs of rounds of {seconds} s, {connections} connections, {threads} load thread(s)")
    }
}

fn number<N: FromStr + PartialOrd + fmt::Display>(text: &str, least: N, most: N) -> Result<N, String> {
    match text.parse::<N>() {
        Ok(number) if number >= least && number <= most => Ok(number),
        _ => Err(format!("`{text}` must be a number from {least} to {most}")),
    }
}
