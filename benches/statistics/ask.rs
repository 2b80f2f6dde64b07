//! How long the questions of a dashboard take.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde_json::{Value, json};
use waypost::clicks::{ClickStore as _, Facet, Interval, StatsQuery};

use crate::Outcome;
use crate::scene::{self, DAYS, LINKS, Scene};

/// How many groups an answer has, as over HTTP.
const GROUPS: usize = 100;

/// Days, interval and facet of a question.
type Question = (&'static str, u64, Interval, Option<Facet>);

const QUESTIONS: [Question; 4] = [
    ("90 days by day", DAYS, Interval::Day, None),
    ("7 days by hour", 7, Interval::Hour, None),
    ("90 days by day and country", DAYS, Interval::Day, Some(Facet::Country)),
    ("90 days by day and referrer", DAYS, Interval::Day, Some(Facet::Referrer)),
];

/// Asks each question of the largest link and of others, in turn, each time after a `SELECT 1`.
pub(super) async fn measure(scene: &Scene, rounds: u64) -> Outcome<Vec<Value>> {
    let store = scene.store().await?;
    let mut bare = scene.connection().await?;
    let mut trips = Histogram::<u64>::new(3)?;
    let mut times: Vec<[Histogram<u64>; 2]> = Vec::new();
    for _ in QUESTIONS {
        times.push([Histogram::new(3)?, Histogram::new(3)?]);
    }
    for round in 0..=rounds {
        // Every link but the first, in an order that jumps.
        let other = 1 + round * 379 % (LINKS - 1);
        for ((_, days, interval, group_by), times) in QUESTIONS.iter().zip(&mut times) {
            for (link, times) in [0, other].map(scene::link).into_iter().zip(times) {
                let begun = Instant::now();
                sqlx::query("SELECT 1").execute(&mut bare).await?;
                let trip = begun.elapsed();
                let query = StatsQuery {
                    workspace: scene::workspace(),
                    link,
                    from: scene::day(DAYS - days),
                    to: scene::day(DAYS),
                    interval: *interval,
                    group_by: *group_by,
                    groups: GROUPS,
                };
                let begun = Instant::now();
                let stats = store.stats(&query).await?;
                let took = begun.elapsed();
                if stats.series.is_empty() || stats.groups.is_empty() != group_by.is_none() {
                    return Err(format!("{link} has no statistics").into());
                }
                // The first round prepares statements.
                if round > 0 {
                    trips.record(micros(trip))?;
                    times.record(micros(took))?;
                }
            }
        }
    }
    let trip = millis(&trips, 0.5);
    println!("a round trip (SELECT 1): p50 {trip:.3} ms, p99 {:.3} ms", millis(&trips, 0.99));
    let mut told = Vec::new();
    for ((name, ..), times) in QUESTIONS.iter().zip(&times) {
        for (whose, times) in ["the largest link", "another link"].into_iter().zip(times) {
            let (p50, p99) = (millis(times, 0.5), millis(times, 0.99));
            let ratio = p50 / trip;
            println!("{name}, {whose}: p50 {p50:.2} ms, p99 {p99:.2} ms, {ratio:.0} round trips");
            told.push(json!({ "question": name, "link": whose, "p50_ms": p50, "p99_ms": p99, "round_trips": ratio }));
        }
    }
    Ok(told)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(1)
}

fn millis(times: &Histogram<u64>, quantile: f64) -> f64 {
    times.value_at_quantile(quantile) as f64 / 1e3
}
