//! Whether it stays so while somebody leaves a transaction open.
//!
//! Such a transaction, a backup's or a forgotten shell's, keeps the server from clearing away every row that was deleted
//! or replaced since it began. An outbox that leaves such rows slows down from minute to minute.

use std::time::Duration;

use serde_json::{Value, json};
use sqlx::Executor as _;

use super::lag::{self, Lag};
use super::line::Line;
use crate::Outcome;
use crate::schema::Schema;
use crate::target::Target;

const MINUTE: Duration = Duration::from_secs(60);

/// How much the last quarter may have of what the first had.
const GROWTH: f64 = 1.5;
/// Below these nobody asks by how much it grew: ms, and rows of a full leaf of the outbox.
const NOISE: (f64, f64) = (10.0, 6_000.0);
/// How large the outbox may become, in MiB: eight leaves of 4 MiB, and as much for their indexes.
const ROOM: f64 = 64.0;

const DEAD: &str = "SELECT coalesce(sum(n_dead_tup), 0)::bigint FROM pg_stat_user_tables \
    WHERE schemaname = current_schema() AND relname LIKE 'waypost\\_%'";
const SIZE: &str = "SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class \
    WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND relname LIKE 'waypost\\_outbox%'";

/// What a minute was like.
pub(super) struct Minute {
    lag: Lag,
    /// Rows that the server could not clear away.
    dead: f64,
    /// What the outbox takes, in MiB.
    outbox: f64,
}

/// Holds a transaction open, and carries so many events a second for so many minutes.
pub(super) async fn measure(schema: &Schema, line: &Line, rate: f64, minutes: usize) -> Outcome<Vec<Minute>> {
    let mut idle = schema.connection().await?;
    idle.execute("BEGIN").await?;
    idle.execute("SELECT txid_current()").await?;
    println!("  with a transaction left open, for {minutes} minutes:");
    let mut told = Vec::with_capacity(minutes);
    for number in 1..=minutes {
        let lag = lag::measure(line, rate, MINUTE).await?;
        let dead = schema.number(DEAD).await? as f64;
        let outbox = schema.number(SIZE).await? as f64 / f64::from(1 << 20);
        println!("  {number:>4}  {lag}; {dead} dead rows, outbox {outbox:.1} MiB");
        told.push(Minute { lag, dead, outbox });
    }
    // Fails if it was not open all along.
    idle.execute("SELECT txid_current_if_assigned()").await?;
    idle.execute("COMMIT").await?;
    Ok(told)
}

/// The last quarter beside the first.
pub(super) fn targets(minutes: &[Minute]) -> [Target; 3] {
    let quarter = minutes.len().div_ceil(4);
    let growth = |figure: fn(&Minute) -> f64, noise: f64| {
        let mean = |minutes: &[Minute]| minutes.iter().map(figure).sum::<f64>() / minutes.len() as f64;
        mean(&minutes[minutes.len() - quarter..]).max(noise) / mean(&minutes[..quarter]).max(noise)
    };
    let largest = minutes.iter().map(|minute| minute.outbox).fold(f64::NAN, f64::max);
    [
        Target::at_most(
            "p99 with a transaction left open, last quarter to first",
            growth(|it| it.lag.p99(), NOISE.0),
            GROWTH,
        ),
        Target::at_most("dead rows, last quarter to first", growth(|it| it.dead, NOISE.1), GROWTH),
        Target::at_most("the outbox at its largest, MiB", largest, ROOM),
    ]
}

impl Minute {
    pub(super) fn json(&self) -> Value {
        json!({ "lag": self.lag.json(), "dead_rows": self.dead, "outbox_mib": self.outbox })
    }
}
