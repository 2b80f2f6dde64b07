//! How long after its commit an event is on the bus, as a reader on another node sees it.

use std::fmt;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde_json::{Value, json};
use tokio::sync::watch;
use waypost::events::{EventBus as _, EventFilter, Position, Read};
use waypost::postgres::PostgresEventBus;

use super::line::Line;
use super::writers;
use crate::Outcome;

/// How many events the reader takes at once.
const PAGE: usize = 1_000;
/// How long it waits without being woken, as those who wait for events do.
const POLL: Duration = Duration::from_secs(1);
/// How long after the last commit all must be there.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long events took.
pub(super) struct Lag {
    /// Events a second.
    pub(super) rate: f64,
    millis: [f64; 4],
}

/// Events of one transaction that one read found.
struct Arrival {
    lane: usize,
    turn: usize,
    events: u64,
    at: Instant,
}

/// Has writers append so many events a second, and a reader wait for each.
///
/// # Errors
///
/// When an event is missing or came twice.
pub(super) async fn measure(line: &Line, rate: f64, time: Duration) -> Outcome<Lag> {
    let begin = line.bus.bounds().await?.end;
    let (expect, expected) = watch::channel(None);
    let reading = tokio::spawn(read(line.bus.clone(), begin, expected));
    let begun = Instant::now();
    let commits = writers::append(&line.outbox, Some(rate), time).await?;
    let (appended, elapsed) = (writers::events(&commits), begun.elapsed());
    expect.send_replace(Some(appended));
    let arrivals = tokio::time::timeout(PATIENCE, reading).await???;

    // From a microsecond to an hour; an event that was read before its writer knew of the commit took no time.
    let mut lags = Histogram::<u64>::new_with_bounds(1, 3_600_000_000, 3)?;
    let mut events = vec![Vec::new(); commits.len()];
    for arrival in arrivals {
        let committed = commits[arrival.lane][arrival.turn];
        let micros = arrival.at.saturating_duration_since(committed).as_micros();
        lags.saturating_record_n(u64::try_from(micros)?, arrival.events);
        events[arrival.lane].resize(commits[arrival.lane].len(), 0);
        events[arrival.lane][arrival.turn] += arrival.events;
    }
    if lags.len() != appended || events.iter().flatten().any(|events| *events != writers::EVENTS) {
        return Err(format!("{} events were read, where {appended} were appended", lags.len()).into());
    }
    let millis = [0.5, 0.99, 0.999, 1.0].map(|quantile| lags.value_at_quantile(quantile) as f64 / 1e3);
    Ok(Lag { rate: appended as f64 / elapsed.as_secs_f64(), millis })
}

/// Reads and waits until as many have come as are expected.
async fn read(
    bus: PostgresEventBus,
    mut at: Position,
    mut expected: watch::Receiver<Option<u64>>,
) -> Outcome<Vec<Arrival>> {
    let (mut arrivals, mut seen) = (Vec::<Arrival>::new(), 0);
    while expected.borrow_and_update().is_none_or(|expected| seen < expected) {
        let Read::Events { events, next, more } = bus.read(at, &EventFilter::default(), PAGE).await? else {
            return Err("the log begins anew".into());
        };
        let now = Instant::now();
        for (lane, turn) in events.iter().map(|logged| writers::origin(logged.event.id)) {
            match arrivals.last_mut() {
                Some(last) if (last.lane, last.turn, last.at) == (lane, turn, now) => last.events += 1,
                _ => arrivals.push(Arrival { lane, turn, events: 1, at: now }),
            }
        }
        (at, seen) = (next, seen + events.len() as u64);
        if !more {
            tokio::select! {
                woken = tokio::time::timeout(POLL, bus.wait(at)) => woken.unwrap_or(Ok(()))?,
                // Its end, too: then nobody waits for what is read here.
                told = expected.changed() => told?,
            }
        }
    }
    Ok(arrivals)
}

impl Lag {
    /// In milliseconds.
    pub(super) fn p99(&self) -> f64 {
        self.millis[1]
    }

    pub(super) fn json(&self) -> Value {
        let [p50, p99, p999, max] = self.millis;
        json!({ "per_second": self.rate, "p50_ms": p50, "p99_ms": p99, "p999_ms": p999, "max_ms": max })
    }
}

impl fmt::Display for Lag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [p50, p99, p999, max] = self.millis;
        write!(
            f,
            "{:.0} events/s, commit to bus p50 {p50:.1} ms, p99 {p99:.1} ms, p99.9 {p999:.1} ms, max {max:.1} ms",
            self.rate
        )
    }
}
