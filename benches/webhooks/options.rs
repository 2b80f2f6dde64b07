//! What can be set about a run.

use std::env;
use std::time::Duration;

use serde_json::{Value, json};

const HELP: &str = "\
Usage: cargo bench --bench webhooks --features egress,memory,postgres,webhook -- [OPTIONS]

  --only PART        rate, lag, neighbours, claim or trim (default: all of them)
  --quick            few short rounds, for a check that all of it works
  --rounds N         rounds of each (default 3)
  --events N         events of a round of `rate` (default 60,000)
  --per-second N     events a second of `lag` and `neighbours` (default 500)
  --seconds N        seconds of a round of `lag` and `neighbours` (default 15)
  --waiting N        deliveries that wait in `claim` (default 1,000,000)
  --enforce          fail when a target is missed";

/// What is measured on its own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Rate,
    Lag,
    Neighbours,
    Claim,
    Trim,
}

impl Part {
    pub(super) const ALL: [Self; 5] = [Self::Rate, Self::Lag, Self::Neighbours, Self::Claim, Self::Trim];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::Lag => "lag",
            Self::Neighbours => "neighbours",
            Self::Claim => "claim",
            Self::Trim => "trim",
        }
    }
}

/// A run's options.
pub(super) struct Options {
    only: Option<Part>,
    pub(super) rounds: usize,
    pub(super) events: u64,
    pub(super) per_second: u64,
    seconds: u64,
    pub(super) waiting: u64,
    pub(super) enforce: bool,
}

impl Options {
    /// Reads the command line; `None` when there is nothing to run.
    pub(super) fn from_args() -> Result<Option<Self>, String> {
        let mut options = Self {
            only: None,
            rounds: 3,
            events: 60_000,
            per_second: 500,
            seconds: 15,
            waiting: 1_000_000,
            enforce: false,
        };
        let mut is_bench = false;
        let mut arguments = env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
            match argument.as_str() {
                "--bench" => is_bench = true,
                "--quick" => (options.rounds, options.events, options.seconds, options.waiting) = (1, 5_000, 3, 20_000),
                "--only" => options.only = Some(part(&value()?)?),
                "--rounds" => options.rounds = number(&value()?, 1, 100)? as usize,
                "--events" => options.events = number(&value()?, 100, 10_000_000)?,
                "--per-second" => options.per_second = number(&value()?, 1, 10_000)?,
                "--seconds" => options.seconds = number(&value()?, 1, 600)?,
                "--waiting" => options.waiting = number(&value()?, 10_000, 100_000_000)?,
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
            println!("run this by `cargo bench --bench webhooks --features egress,memory,postgres,webhook`");
            return Ok(None);
        }
        Ok(Some(options))
    }

    pub(super) fn has(&self, part: Part) -> bool {
        self.only.is_none_or(|only| only == part)
    }

    pub(super) fn time(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "rounds": self.rounds, "events": self.events, "per_second": self.per_second, "seconds": self.seconds,
            "waiting": self.waiting,
        })
    }
}

fn part(name: &str) -> Result<Part, String> {
    let known = Part::ALL.into_iter().find(|part| part.name() == name);
    known.ok_or_else(|| format!("`{name}` must be rate, lag, neighbours, claim or trim"))
}

fn number(text: &str, least: u64, most: u64) -> Result<u64, String> {
    match text.parse() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(format!("`{text}` must be a number from {least} to {most}")),
    }
}
