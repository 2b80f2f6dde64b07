//! What can be set about a run.

use std::env;
use std::path::PathBuf;

const HELP: &str = "\
Usage: cargo bench --bench pages -- [OPTIONS]

  --quick        few links and few rounds, for a check that all of it works
  --csv FILE     the links, with the columns slug and destination first (default: made up)
  --links N      how many links to make up (default 58,983)
  --page N       the deep page, of 100 links (default 500)
  --enforce      fail when a target is missed";

/// A run's options.
pub(super) struct Options {
    pub(super) csv: Option<PathBuf>,
    pub(super) links: usize,
    pub(super) page: usize,
    /// Imports, each into a store of its own.
    pub(super) imports: usize,
    pub(super) starts: usize,
    /// Rounds of the first page and the deep one in turn.
    pub(super) rounds: usize,
    pub(super) enforce: bool,
}

impl Options {
    /// Reads the command line; `None` when there is nothing to run.
    pub(super) fn from_args() -> Result<Option<Self>, String> {
        let mut options =
            Self { csv: None, links: 58_983, page: 500, imports: 3, starts: 5, rounds: 40, enforce: false };
        let mut is_bench = false;
        let mut arguments = env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
            match argument.as_str() {
                "--bench" => is_bench = true,
                "--quick" => {
                    (options.links, options.page) = (6_000, 50);
                    (options.imports, options.starts, options.rounds) = (1, 2, 10);
                }
                "--csv" => options.csv = Some(value()?.into()),
                "--links" => options.links = number(&value()?)?,
                "--page" => options.page = number(&value()?)?,
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
            println!("run this by `cargo bench --bench pages`");
            return Ok(None);
        }
        Ok(Some(options))
    }
}

fn number(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number @ 1..=10_000_000) => Ok(number),
        _ => Err(format!("`{text}` must be a number from 1 to 10000000")),
    }
}
