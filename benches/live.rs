//! What live feeds make of one machine: the real binary, and thousands of clients beside it.
//!
//! `cargo build --release -p waypost-server-axum && cargo bench --bench live` (`-- --help` lists the options). Every part
//! starts servers of its own.
//!
//! - *memory*: what an idle stream and an idle socket keep resident in the server, of thousands that were opened at once;
//! - *fanout*: one message to thousands of streams, from the request that makes it until the last has it; beside a bare
//!   broadcaster, and beside nginx with Nchan where it is installed;
//! - *flood*: deliveries a second to many subscribers, while twice as much is offered again and again;
//! - *slow*: how late events reach streams beside one that stops reading, and what that one is told;
//! - *resume*: how long it takes to be told what was missed;
//! - *lag*: how late events reach thousands of streams at a modest rate;
//! - *restart*: how thousands come back to a server that was restarted.
//!
//! The clients are in this process, and share the machine with the server. The last line printed is all of it as JSON.
//! An event that is lost fails the run; a missed target does under `--enforce` only.

#![allow(clippy::disallowed_methods, reason = "a bench measures and waits for real")]

#[path = "live/bare.rs"]
mod bare;
#[path = "live/crowd.rs"]
mod crowd;
#[path = "live/fanout.rs"]
mod fanout;
#[path = "live/files.rs"]
mod files;
#[path = "live/flood.rs"]
mod flood;
#[path = "live/lag.rs"]
mod lag;
#[path = "live/memory.rs"]
mod memory;
#[path = "live/nchan.rs"]
mod nchan;
#[path = "live/node.rs"]
mod node;
#[path = "live/options.rs"]
mod options;
#[path = "live/restart.rs"]
mod restart;
#[path = "live/resume.rs"]
mod resume;
#[path = "live/slow.rs"]
mod slow;
#[path = "../tests/support/mod.rs"]
mod support;
#[path = "live/tally.rs"]
mod tally;
#[path = "engines/target.rs"]
mod target;

use std::error::Error;
use std::process::ExitCode;

use options::{BARE, Options, Part};
use serde_json::{Map, Value, json};
use target::Target;

/// What a step comes to.
type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// What a part has to tell.
struct Findings {
    figures: Value,
    targets: Vec<Target>,
}

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(BARE) {
        return match bare::serve() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("live: {error}");
                ExitCode::FAILURE
            }
        };
    }
    let outcome = match Options::from_args() {
        Ok(Some(options)) => run(&options),
        Ok(None) => return ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("live: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Outcome<()> {
    files::raise(options.connections)?;
    let (mut figures, mut targets) = (Map::new(), Vec::new());
    for part in Part::ALL.into_iter().filter(|part| options.has(*part)) {
        println!("{}", part.name());
        let found = match part {
            Part::Memory => memory::measure(options),
            Part::Fanout => fanout::measure(options),
            Part::Flood => flood::measure(options),
            Part::Slow => slow::measure(options),
            Part::Resume => resume::measure(options),
            Part::Lag => lag::measure(options),
            Part::Restart => restart::measure(options),
        }?;
        for target in &found.targets {
            println!("{target}");
        }
        figures.insert(part.name().to_owned(), found.figures);
        targets.extend(found.targets);
    }
    println!();
    for target in &targets {
        println!("{target}");
    }
    let told: Vec<_> = targets.iter().map(Target::json).collect();
    println!("\n{}", json!({ "bench": "live", "options": options.json(), "figures": figures, "targets": told }));
    if options.enforce && targets.iter().any(|target| !target.is_met) {
        return Err("a target is missed".into());
    }
    Ok(())
}
