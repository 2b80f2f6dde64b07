//! Decisions of the limiter on Redis, beside scripts that decide nothing.

#[path = "decisions/bare.rs"]
mod bare;
#[path = "decisions/callers.rs"]
mod callers;
#[path = "decisions/commands.rs"]
mod commands;

use std::sync::Arc;
use std::time::Duration;

use redis::aio::ConnectionManager;
use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;
use waypost::clock::{Clock as _, SystemClock};
use waypost::entropy::{Entropy as _, OsEntropy};
use waypost::limits::{Policy, RateLimiter as _};
use waypost::redis::{Redis, RedisOptions, RedisRateLimiter};

use crate::options::Options;
use crate::rounds::Rounds;
use crate::target::Target;
use crate::{Findings, Outcome};
use bare::{Bare, Shape};

/// How long a policy's window is, and how much it admits: more than anybody can ask for.
const WINDOW: Duration = Duration::from_secs(60);
const QUOTA: u32 = 1_000_000_000;

pub(super) fn measure(runtime: &Runtime, options: &Options, url: &str) -> Outcome<Findings> {
    println!("decisions a second on Redis, {} callers", callers::CALLERS);
    let (mut figures, mut targets) = (Map::new(), Vec::new());
    for shape in &Shape::ALL {
        let (found, ratio, commands) = duel(runtime, options, url, shape)?;
        figures.insert(shape.name.to_owned(), found);
        let name = format!("decisions ({}), of a script of one GET and one SET", shape.name);
        targets.push(Target::at_least(name, ratio, 0.8));
        targets.push(Target::at_most(format!("commands a decision ({})", shape.name), commands, 1.0));
    }
    Ok(Findings { figures: figures.into(), targets })
}

/// One algorithm beside the bare scripts; gives the ratio to the one that reads and writes, and commands a decision.
fn duel(runtime: &Runtime, options: &Options, url: &str, shape: &'static Shape) -> Outcome<(Value, f64, f64)> {
    let prefix = prefix();
    let policy = Arc::new(Policy::new("bench", shape.algorithm, QUOTA, WINDOW)?);
    let redis = RedisOptions { prefix: prefix.clone(), ..RedisOptions::new(url) };
    let limiter = runtime.block_on(Redis::open(redis))?;
    let limiter = RedisRateLimiter::new(&limiter, Arc::new(SystemClock));
    let deciding = move |key: String| decide(limiter.clone(), Arc::clone(&policy), key);
    let connection = runtime.block_on(bare::connect(url))?;
    let nothing = runtime.block_on(Bare::load(&connection, "return 1".to_owned(), shape, &prefix))?;
    let read_and_write = runtime.block_on(Bare::load(&connection, shape.script(), shape, &prefix))?;

    println!("{}", shape.name);
    let rounds = Rounds::run(
        options,
        [
            ("bare", Box::new(|time| runtime.block_on(callers::run(time, nothing.call())))),
            ("bare GET and SET", Box::new(|time| runtime.block_on(callers::run(time, read_and_write.call())))),
            ("decisions", Box::new(|time| runtime.block_on(callers::run(time, deciding.clone())))),
        ],
    )?;
    let commands = runtime.block_on(count(connection, deciding))?;
    let (to_bare, to_read_and_write) = (rounds.ratio(2, 0), rounds.ratio(2, 1));
    println!(
        "  decisions of bare: {to_bare}; of bare GET and SET: {to_read_and_write}; {commands} commands a decision\n"
    );
    let figures = json!({
        "per_second": rounds.json(), "ratio_to_bare": to_bare.json(), "ratio": to_read_and_write.json(),
        "commands_a_decision": commands,
    });
    Ok((figures, to_read_and_write.median, commands))
}

async fn decide(limiter: RedisRateLimiter, policy: Arc<Policy>, key: String) -> Outcome<()> {
    let decision = limiter.decide(&policy, &key, 1, SystemClock.now()).await?;
    if decision.is_allowed() { Ok(()) } else { Err("the limit is used up".into()) }
}

/// How many commands the server sees a decision.
async fn count(mut connection: ConnectionManager, decide: impl callers::Call) -> Outcome<f64> {
    let before = commands::seen(&mut connection).await?;
    let made = callers::make(decide).await?;
    let after = commands::seen(&mut connection).await?;
    Ok((after - before) as f64 / made as f64)
}

/// What the keys of a run begin with. They expire within minutes.
fn prefix() -> String {
    let mut drawn = [0; 8];
    OsEntropy.fill(&mut drawn);
    format!("bench-{:016x}", u64::from_be_bytes(drawn))
}
