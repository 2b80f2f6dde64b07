//! How many events come through while as many as possible come in.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::line::Line;
use super::writers;
use crate::Outcome;

/// How long the writers write before the count begins.
const WARM_UP: Duration = Duration::from_secs(1);

/// What came through.
pub(super) struct Drain {
    /// Events a second that came to the bus while others appended.
    pub(super) rate: f64,
    /// Events a second that were appended meanwhile.
    appended: f64,
    /// How long after the last commit the last one was there.
    rest: Duration,
}

/// Has writers append as fast as they can, and waits until all of it is on the bus.
pub(super) async fn measure(line: &Line, time: Duration) -> Outcome<Drain> {
    let begin = line.carried().await?;
    let outbox = line.outbox.clone();
    let writing = tokio::spawn(async move { writers::append(&outbox, None, WARM_UP + time).await });
    tokio::time::sleep(WARM_UP).await;
    let (from, begun) = (line.carried().await?, Instant::now());
    tokio::time::sleep(time).await;
    let (to, elapsed) = (line.carried().await?, begun.elapsed());
    let appended = writers::events(&writing.await??);
    let over = Instant::now();
    line.await_carried(begin + appended).await?;
    let drain = Drain {
        rate: (to - from) as f64 / elapsed.as_secs_f64(),
        appended: appended as f64 / (WARM_UP + time).as_secs_f64(),
        rest: over.elapsed(),
    };
    println!(
        "  {:.0} events/s carried while {:.0}/s were appended; all {appended} on the bus {:.0} ms after the last",
        drain.rate,
        drain.appended,
        drain.rest.as_secs_f64() * 1e3
    );
    Ok(drain)
}

impl Drain {
    pub(super) fn json(&self) -> Value {
        let Self { rate, appended, rest } = self;
        json!({ "per_second": rate, "appended_per_second": appended, "rest_ms": rest.as_secs_f64() * 1e3 })
    }
}
