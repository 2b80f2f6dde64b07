//! What the adapters make of their engines: PostgreSQL and Redis through the ports, beside the engines' own limits.
//!
//! `cargo build --release -p waypost-server-axum && cargo bench --bench engines --features postgres,redis` (`-- --help`
//! lists the options). `WAYPOST_TEST_PG_BIN` names the directory of PostgreSQL's programs.
//!
//! - *creates*: new links, each with its event, through the store and over HTTP, beside `pgbench` with the same two inserts
//!   in one transaction, on as many connections;
//! - *relay*: events from the outbox to the bus while others append, how long after its commit one is there, and, if
//!   asked for, whether that stays so while somebody leaves a transaction open;
//! - *redis*: decisions of the limiter, beside scripts that do nothing, or one `GET` and one `SET`.
//!
//! The servers are started for the run, and PostgreSQL waits for the disk as it does by default. What is compared takes
//! turns, in another order each round, so that whatever else the machine does hits all of them; ratios are taken within a
//! round, and their median counts.
//!
//! The last line printed is all of it as JSON. Something lost or doubled fails the run; a missed target does under
//! `--enforce` only, since a busy machine misses targets too.

#![allow(clippy::disallowed_methods, reason = "a bench measures and waits for real")]

#[path = "engines/creates.rs"]
mod creates;
#[path = "engines/decisions.rs"]
mod decisions;
#[path = "engines/options.rs"]
mod options;
#[path = "engines/relay.rs"]
mod relay;
#[path = "engines/rounds.rs"]
mod rounds;
#[path = "engines/schema.rs"]
mod schema;
#[path = "../tests/support/mod.rs"]
mod support;
#[path = "engines/target.rs"]
mod target;

use std::env;
use std::error::Error;
use std::process::ExitCode;

use options::{Options, Part};
use serde_json::{Map, Value, json};
use target::Target;
use tokio::runtime::Runtime;

/// What a step comes to.
type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// What a part has to tell.
struct Findings {
    figures: Value,
    targets: Vec<Target>,
}

fn main() -> ExitCode {
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
            eprintln!("engines: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Outcome<()> {
    println!("{options}\n");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    // Handles that are dropped on this thread need it too.
    let _entered = runtime.enter();
    let (mut figures, mut targets) = (Map::new(), Vec::new());
    for part in Part::ALL.into_iter().filter(|part| options.has(*part)) {
        let found = match part {
            Part::Creates => on_postgres(&runtime, options, creates::measure),
            Part::Relay => on_postgres(&runtime, options, relay::measure),
            Part::Redis => on_redis(&runtime, options),
        }?;
        figures.insert(part.name().to_owned(), found.figures);
        targets.extend(found.targets);
    }
    println!();
    for target in &targets {
        println!("{target}");
    }
    let told: Vec<_> = targets.iter().map(Target::json).collect();
    println!("\n{}", json!({ "bench": "engines", "options": options.json(), "figures": figures, "targets": told }));
    if options.enforce && targets.iter().any(|target| !target.is_met) {
        return Err("a target is missed".into());
    }
    Ok(())
}

/// Has a part measure a server of its own, or the one that is named.
fn on_postgres(
    runtime: &Runtime,
    options: &Options,
    measure: fn(&Runtime, &Options, &str) -> Outcome<Findings>,
) -> Outcome<Findings> {
    if options.is_shared {
        return measure(runtime, options, &named("WAYPOST_TEST_POSTGRES_URL")?);
    }
    // Both sides, a server and whoever looks on: more than the usual hundred where many connections are asked for.
    let server = support::postgres::Postgres::with(&[("max_connections", "500")])?;
    measure(runtime, options, &server.url())
}

/// On a server that writes nothing to disk: a wait for it, which is everybody's, would make all look alike.
fn on_redis(runtime: &Runtime, options: &Options) -> Outcome<Findings> {
    if options.is_shared {
        return decisions::measure(runtime, options, &named("WAYPOST_TEST_REDIS_URL")?);
    }
    let server = support::redis::Redis::start_forgetful()?;
    decisions::measure(runtime, options, &server.url())
}

fn named(variable: &str) -> Outcome<String> {
    env::var(variable).map_err(|_| format!("{variable} names no server to measure, which `--shared` asks for").into())
}
