//! What can be set about a run.

use std::env;
use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

const HELP: &str = "\
Usage: cargo bench --bench engines --features postgres,redis -- [OPTIONS]

  --only PART        creates, relay or redis (default: all of them)
  --quick            few short rounds, for a check that all of it works
  --rounds N         rounds in which each is measured once (default 5)
  --seconds N        seconds each of them goes on in a round (default 3)
  --connections N    connections that create links, at most 100 (default 16)
  --minutes N        minutes of the relay with a transaction left open (default 0: none; the claim is about 20)
  --shared           measure the servers that WAYPOST_TEST_POSTGRES_URL and WAYPOST_TEST_REDIS_URL name
  --enforce          fail when a target is missed";

/// What is measured on its own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Creates,
    Relay,
    Redis,
}

impl Part {
    pub(super) const ALL: [Self; 3] = [Self::Creates, Self::Relay, Self::Redis];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Creates => "creates",
            Self::Relay => "relay",
            Self::Redis => "redis",
        }
    }
}

/// A run's options.
pub(super) struct Options {
    only: Option<Part>,
    pub(super) rounds: usize,
    /// Whole seconds, since pgbench takes no other.
    pub(super) seconds: u64,
    pub(super) connections: usize,
    pub(super) minutes: usize,
    pub(super) is_shared: bool,
    pub(super) enforce: bool,
}

impl Options {
    /// Reads the command line; `None` when there is nothing to run.
    pub(super) fn from_args() -> Result<Option<Self>, String> {
        let mut options =
            Self { only: None, rounds: 5, seconds: 3, connections: 16, minutes: 0, is_shared: false, enforce: false };
        let mut is_bench = false;
        let mut arguments = env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
            match argument.as_str() {
                "--bench" => is_bench = true,
                "--quick" => (options.rounds, options.seconds) = (3, 1),
                "--only" => options.only = Some(part(&value()?)?),
                "--rounds" => options.rounds = number(&value()?, 1, 1_000)?,
                "--seconds" => options.seconds = number(&value()?, 1, 600)? as u64,
                "--connections" => options.connections = number(&value()?, 2, 100)?,
                "--minutes" => options.minutes = number(&value()?, 0, 1_440)?,
                "--shared" => options.is_shared = true,
                "--enforce" => options.enforce = true,
                "--help" => {
                    println!("{HELP}");
                    return Ok(None);
                }
                _ => return Err(format!("{argument} is unknown\n\n{HELP}")),
            }
        }
        if !is_bench {
            // `cargo test --all-targets` runs benches too, to see that they start.
            println!("run this by `cargo bench --bench engines --features postgres,redis`");
            return Ok(None);
        }
        Ok(Some(options))
    }

    pub(super) fn has(&self, part: Part) -> bool {
        self.only.is_none_or(|only| only == part)
    }

    /// How long each goes on in a round.
    pub(super) fn time(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "rounds": self.rounds, "seconds": self.seconds, "connections": self.connections, "minutes": self.minutes,
            "shared": self.is_shared,
        })
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rounds, seconds, connections, .. } = self;
        write!(f, "{rounds} rounds of {seconds} s each; {connections} connections create links")
    }
}

fn part(name: &str) -> Result<Part, String> {
    let known = Part::ALL.into_iter().find(|part| part.name() == name);
    known.ok_or_else(|| format!("`{name}` must be creates, relay or redis"))
}

fn number(text: &str, least: usize, most: usize) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(format!("`{text}` must be a number from {least} to {most}")),
    }
}
