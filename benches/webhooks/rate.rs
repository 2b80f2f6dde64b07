//! How many deliveries a second arrive, with every attempt on record.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::node::Node;
use crate::options::Options;
use crate::receiver::{Manner, Receiver};
use crate::schema::Schema;
use crate::target::Target;
use crate::{Findings, Outcome};

/// What svix-server comes to on such a machine with PostgreSQL, for comparison, and what is wanted here.
const TARGET: f64 = 3_000.0;
/// How many events a transaction has; four writers append side by side.
const BATCH: u64 = 50;
const WRITERS: u64 = 4;
const PATIENCE: Duration = Duration::from_secs(300);

pub(super) async fn measure(options: &Options, schema: &Schema) -> Outcome<Findings> {
    let receiver = Receiver::start(Manner::Fine).await?;
    let node = Node::start(schema).await?;
    node.registers(&receiver.url(), "bench.rate").await?;
    let mut rates = Vec::new();
    for round in 1..=options.rounds {
        let before = receiver.count();
        let begun = Instant::now();
        append(&node, options.events).await?;
        let appended = begun.elapsed();
        let deadline = Instant::now() + PATIENCE;
        while receiver.count() < before + usize::try_from(options.events)? {
            if Instant::now() > deadline {
                return Err(format!("{} of {} events arrived", receiver.count() - before, options.events).into());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let rate = options.events as f64 / begun.elapsed().as_secs_f64();
        println!("{round:>5}  {rate:.0} deliveries a second; the last was committed after {appended:.1?}");
        rates.push(rate);
    }
    node.stop().await?;
    let expected = i64::try_from(options.events * options.rounds as u64)?;
    let attempts = schema.number("SELECT count(*) FROM waypost_attempt").await?;
    let owed = schema.number("SELECT count(*) FROM waypost_delivery_owed").await?;
    let doubled = receiver.received().values().filter(|(_, times)| *times != 1).count();
    if (attempts, owed, doubled) != (expected, 0, 0) {
        return Err(format!("{attempts} attempts of {expected} on record, {owed} owed, {doubled} doubled").into());
    }
    rates.sort_by(f64::total_cmp);
    let median = rates[rates.len() / 2];
    let targets = vec![Target::at_least("deliveries a second", median, TARGET)];
    Ok(Findings { figures: json!({ "per_second": rates, "median": median }), targets })
}

async fn append(node: &Node, events: u64) -> Outcome<()> {
    let share = events / WRITERS;
    let writer = |count: u64| async move {
        let mut left = count;
        while left > 0 {
            let events: Vec<_> = (0..left.min(BATCH)).map(|_| node.event("bench.rate")).collect();
            node.commits(&events).await?;
            left -= events.len() as u64;
        }
        Outcome::Ok(())
    };
    let rest = events - share * (WRITERS - 1);
    tokio::try_join!(writer(rest), writer(share), writer(share), writer(share))?;
    Ok(())
}
