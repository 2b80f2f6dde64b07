//! How late events reach thousands of streams at a modest rate.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::crowd::{Crowd, manner};
use crate::node::Node;
use crate::options::Options;
use crate::support::live::{Manner, Transport};
use crate::tally::Tally;
use crate::target::Target;
use crate::{Findings, Outcome};

/// What is wanted of p99, in milliseconds.
const TARGET: f64 = 50.0;

/// Events a second.
const RATE: u64 = 5;

/// Of all who are there, how many want what happens in the second measurement: one in so many.
const ONE_IN: usize = 100;

const PATIENCE: Duration = Duration::from_secs(30);

pub(super) fn measure(options: &Options) -> Outcome<Findings> {
    let everybody = once(options, options.connections)?;
    let few = once(options, (options.connections / ONE_IN).max(1))?;
    let figures = json!({ "everybody": everybody.json(), "one_in_100": few.json() });
    let name = |who: &str| format!("p99 from the request to the receipt, {} clients, {who}, ms", options.connections);
    let targets = vec![
        Target::at_most(name("all of them told"), everybody.millis[1], TARGET),
        Target::at_most(name("one in 100 told"), few.millis[1], TARGET),
    ];
    Ok(Findings { figures, targets })
}

/// How late receipts were, in milliseconds: p50, p99, p99.9 and the most.
struct Lateness {
    millis: [f64; 4],
}

impl Lateness {
    fn json(&self) -> Value {
        let [p50, p99, p999, most] = self.millis;
        json!({ "p50_ms": p50, "p99_ms": p99, "p999_ms": p999, "max_ms": most })
    }
}

/// With so many of all clients that want what happens; the others want what does not.
fn once(options: &Options, told: usize) -> Outcome<Lateness> {
    let node = Node::start()?;
    let others = Manner { types: "link.deleted".to_owned(), ..manner(Transport::Sse) };
    let idle = Crowd::gather(options.connections - told, &others, &node.addresses())?;
    let crowd = Crowd::with(Tally::of_lags()?, told, &manner(Transport::Sse), &node.addresses(), None)?;
    let events = RATE * options.seconds;
    crowd.tally.expect(events * told as u64);
    let begun = Instant::now();
    for number in 0..events {
        let due = begun + Duration::from_secs_f64(number as f64 / RATE as f64);
        thread::sleep(due.saturating_duration_since(Instant::now()));
        crowd.tally.sends();
        node.publish()?;
    }
    crowd.tally.wait(PATIENCE)?;
    let (millis, count) = crowd.tally.lateness();
    if count != events * told as u64 || idle.tally.events() != 0 {
        return Err(format!("{count} receipts of {events} events by {told} clients").into());
    }
    let [p50, p99, p999, most] = millis;
    println!("       {told} told: p50 {p50:.1} ms, p99 {p99:.1} ms, p99.9 {p999:.1} ms, at most {most:.1} ms");
    Ok(Lateness { millis })
}
