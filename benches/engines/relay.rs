//! Events on their way from the outbox to the bus, while others append.

#[path = "relay/drain.rs"]
mod drain;
#[path = "relay/held.rs"]
mod held;
#[path = "relay/lag.rs"]
mod lag;
#[path = "relay/line.rs"]
mod line;
#[path = "relay/writers.rs"]
mod writers;

use std::time::Duration;

use serde_json::json;
use tokio::runtime::Runtime;

use crate::options::Options;
use crate::rounds::Spread;
use crate::schema::{Schema, is_durable};
use crate::target::Target;
use crate::{Findings, Outcome};
use line::Line;

/// Events a second that should come through.
const RATE: f64 = 10_000.0;
/// How long after its commit an event may come to be on the bus, at p99.
const LAG: Duration = Duration::from_millis(50);

pub(super) fn measure(runtime: &Runtime, options: &Options, url: &str) -> Outcome<Findings> {
    Schema::with(runtime, url, |schema| runtime.block_on(measure_in(options, schema)))
}

async fn measure_in(options: &Options, schema: &Schema) -> Outcome<Findings> {
    let is_durable = is_durable(&schema.url).await?;
    println!(
        "outbox to bus on PostgreSQL, where a commit {} for the disk",
        if is_durable { "waits" } else { "DOES NOT WAIT" }
    );
    let line = Line::open(schema).await?;
    let mut drains = Vec::with_capacity(options.rounds);
    for _ in 0..options.rounds {
        drains.push(drain::measure(&line, options.time()).await?);
    }
    let rate = Spread::of(drains.iter().map(|drain| drain.rate));
    println!("  events/s: {rate}");

    let half = RATE / 2.0;
    let time = options.time() * u32::try_from(options.rounds)?;
    let lag = lag::measure(&line, half, time).await?;
    println!("  at half of the target: {lag}");

    let mut targets = vec![
        Target::at_least("events/s from the outbox to the bus, while 8 append", rate.median, RATE),
        Target::at_most("commit to bus at half of the target, ms at p99", lag.p99(), LAG.as_secs_f64() * 1e3),
    ];
    let mut held = None;
    if options.minutes > 0 {
        let minutes = held::measure(schema, &line, half, options.minutes).await?;
        targets.extend(held::targets(&minutes));
        held = Some(minutes.iter().map(held::Minute::json).collect::<Vec<_>>());
    }
    line.close().await;
    let figures = json!({
        "durable": is_durable, "per_second": rate.json(), "lag": lag.json(), "held": held,
        "drains": drains.iter().map(drain::Drain::json).collect::<Vec<_>>(),
    });
    Ok(Findings { figures, targets })
}
