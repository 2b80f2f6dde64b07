//! What can be set about a run.

use std::env;
use std::time::Duration;

const HELP: &str = "\
Usage: cargo bench --bench statistics --features postgres -- [OPTIONS]

  --quick        few clicks and few rounds, for a check that all of it works
  --clicks N     how many clicks to fill the store with (default 1,000,000; 50,000,000 take some 15 GB)
  --rounds N     how often each question is asked (default 300)
  --seconds N    how long each way to append goes on (default 5)
  --enforce      fail when a target is missed";

/// A run's options.
pub(super) struct Options {
    pub(super) clicks: u64,
    pub(super) rounds: u64,
    pub(super) seconds: Duration,
    pub(super) enforce: bool,
}

impl Options {
    /// Reads the command line; `None` when there is nothing to run.
    pub(super) fn from_args() -> Result<Option<Self>, String> {
        let mut options = Self { clicks: 1_000_000, rounds: 300, seconds: Duration::from_secs(5), enforce: false };
        let mut is_bench = false;
        let mut arguments = env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut value = || number(&arguments.next().ok_or_else(|| format!("{argument} needs a value"))?);
            match argument.as_str() {
                "--bench" => is_bench = true,
                "--quick" => {
                    (options.clicks, options.rounds) = (90_000, 30);
                    options.seconds = Duration::from_secs(1);
                }
                "--clicks" => options.clicks = value()?,
                "--rounds" => options.rounds = value()?,
                "--seconds" => options.seconds = Duration::from_secs(value()?),
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
            println!("run this by `cargo bench --bench statistics --features postgres`");
            return Ok(None);
        }
        Ok(Some(options))
    }
}

fn number(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(number @ 1..=1_000_000_000) => Ok(number),
        _ => Err(format!("`{text}` must be a number from 1 to 1000000000")),
    }
}
