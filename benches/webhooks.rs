//! What the sender of webhooks makes of one machine: PostgreSQL, the node and the receiver all on it.
//!
//! `cargo bench --bench webhooks --features egress,memory,postgres,webhook` (`-- --help` lists the options). `WAYPOST_TEST_PG_BIN` names
//! the directory of PostgreSQL's programs.
//!
//! - *rate*: events that are committed to the outbox as fast as it takes them, until the last has arrived: deliveries a
//!   second over all of it, with every attempt on record;
//! - *lag*: so many events a second, one a transaction, from the commit to the receipt;
//! - *neighbours*: the same for 20 receivers, alone, and beside one that hangs and one that is down, each with thousands
//!   of deliveries waiting; how much later the 20 get theirs;
//! - *claim*: taking and giving back queues while 1,000 deliveries wait, and while 1,000,000 do;
//! - *trim*: forgetting a day of 1,000 deliveries, and one of 100,000.
//!
//! The server is started for the run, and waits for the disk as it does by default. The last line printed is all of it as
//! JSON. Something lost or doubled fails the run; a missed target does under `--enforce` only.

#![allow(clippy::disallowed_methods, reason = "a bench measures and waits for real")]

#[path = "webhooks/claim.rs"]
mod claim;
#[path = "webhooks/lag.rs"]
mod lag;
#[path = "webhooks/node.rs"]
mod node;
#[path = "webhooks/options.rs"]
mod options;
#[path = "webhooks/rate.rs"]
mod rate;
#[path = "webhooks/receiver.rs"]
mod receiver;
#[path = "engines/schema.rs"]
mod schema;
#[path = "../tests/support/mod.rs"]
mod support;
#[path = "engines/target.rs"]
mod target;

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
            eprintln!("webhooks: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    // Handles that are dropped on this thread need it too.
    let _entered = runtime.enter();
    let server = support::postgres::Postgres::start()?;
    if !runtime.block_on(schema::is_durable(&server.url()))? {
        return Err("the server does not wait for the disk, so its figures would be none".into());
    }
    let (mut figures, mut targets) = (Map::new(), Vec::new());
    for part in Part::ALL.into_iter().filter(|part| options.has(*part)) {
        println!("{}", part.name());
        let found = schema::Schema::with(&runtime, &server.url(), |schema| measure(&runtime, options, part, schema))?;
        figures.insert(part.name().to_owned(), found.figures);
        targets.extend(found.targets);
    }
    println!();
    for target in &targets {
        println!("{target}");
    }
    let told: Vec<_> = targets.iter().map(Target::json).collect();
    println!("\n{}", json!({ "bench": "webhooks", "options": options.json(), "figures": figures, "targets": told }));
    if options.enforce && targets.iter().any(|target| !target.is_met) {
        return Err("a target is missed".into());
    }
    Ok(())
}

fn measure(runtime: &Runtime, options: &Options, part: Part, schema: &schema::Schema) -> Outcome<Findings> {
    runtime.block_on(async {
        match part {
            Part::Rate => rate::measure(options, schema).await,
            Part::Lag => lag::measure(options, schema).await,
            Part::Neighbours => lag::measure_neighbours(options, schema).await,
            Part::Claim => claim::measure(options, schema).await,
            Part::Trim => claim::measure_trim(schema).await,
        }
    })
}
