//! What can be set about a run.

use std::env;
use std::path::PathBuf;

use serde_json::{Value, json};

/// The first argument of the process that is the other side.
pub(super) const BARE: &str = "--serve-bare";

/// Where Debian's package `libnginx-mod-nchan` puts the module.
const NCHAN: &str = "/usr/lib/nginx/modules/ngx_nchan_module.so";

const HELP: &str = "\
Usage: cargo bench --bench live -- [OPTIONS]

  --only PART        memory, fanout, flood, slow, resume, lag or restart (default: all of them)
  --quick            few clients and short rounds, for a check that all of it works
  --connections N    clients where many are idle (default 10,000)
  --subscribers N    clients where each gets much (default 1,000)
  --rounds N         rounds of `fanout` and `resume` (default 20)
  --seconds N        seconds of a step of `flood`, `slow` and `lag` (default 15)
  --nchan FILE       the module Nchan for nginx (default: Debian's place)
  --nchan-workers N  processes of nginx (default 1)
  --enforce          fail when a target is missed";

/// What is measured on its own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Memory,
    Fanout,
    Flood,
    Slow,
    Resume,
    Lag,
    Restart,
}

impl Part {
    pub(super) const ALL: [Self; 7] =
        [Self::Memory, Self::Fanout, Self::Flood, Self::Slow, Self::Resume, Self::Lag, Self::Restart];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Fanout => "fanout",
            Self::Flood => "flood",
            Self::Slow => "slow",
            Self::Resume => "resume",
            Self::Lag => "lag",
            Self::Restart => "restart",
        }
    }
}

/// A run's options.
pub(super) struct Options {
    only: Option<Part>,
    pub(super) connections: usize,
    pub(super) subscribers: usize,
    pub(super) rounds: usize,
    pub(super) seconds: u64,
    pub(super) nchan: PathBuf,
    pub(super) nchan_workers: usize,
    pub(super) enforce: bool,
}

impl Options {
    /// Reads the command line; `None` when there is nothing to run.
    pub(super) fn from_args() -> Result<Option<Self>, String> {
        let mut options = Self {
            only: None,
            connections: 10_000,
            subscribers: 1_000,
            rounds: 20,
            seconds: 15,
            nchan: PathBuf::from(NCHAN),
            nchan_workers: 1,
            enforce: false,
        };
        let mut is_bench = false;
        let mut arguments = env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
            match argument.as_str() {
                "--bench" => is_bench = true,
                "--quick" => {
                    (options.connections, options.subscribers) = (500, 100);
                    (options.rounds, options.seconds) = (3, 3);
                }
                "--only" => options.only = Some(part(&value()?)?),
                "--connections" => options.connections = number(&value()?, 10, 15_000)?,
                "--subscribers" => options.subscribers = number(&value()?, 10, 10_000)?,
                "--rounds" => options.rounds = number(&value()?, 1, 1_000)?,
                "--seconds" => options.seconds = number(&value()?, 1, 600)? as u64,
                "--nchan" => options.nchan = value()?.into(),
                "--nchan-workers" => options.nchan_workers = number(&value()?, 1, 64)?,
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
            println!("run this by `cargo bench --bench live`");
            return Ok(None);
        }
        Ok(Some(options))
    }

    pub(super) fn has(&self, part: Part) -> bool {
        self.only.is_none_or(|only| only == part)
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "connections": self.connections, "subscribers": self.subscribers, "rounds": self.rounds,
            "seconds": self.seconds,
        })
    }
}

fn part(name: &str) -> Result<Part, String> {
    let known = Part::ALL.into_iter().find(|part| part.name() == name);
    known.ok_or_else(|| format!("`{name}` must be memory, fanout, flood, slow, resume, lag or restart"))
}

fn number(text: &str, least: usize, most: usize) -> Result<usize, String> {
    match text.replace(',', "").parse() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(format!("`{text}` must be a number from {least} to {most}")),
    }
}
