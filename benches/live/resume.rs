//! How long it takes to be told what was missed.

use std::time::{Duration, Instant};

use serde_json::{Map, json};

use crate::crowd::{Crowd, manner};
use crate::node::Node;
use crate::options::Options;
use crate::support::live::{Manner, Transport};
use crate::tally::Tally;
use crate::target::Target;
use crate::{Findings, Outcome};

/// Events that were missed, and how long they may take, in milliseconds.
const MISSED: usize = 1_000;
const TARGET: f64 = 100.0;

const PATIENCE: Duration = Duration::from_secs(30);

pub(super) fn measure(options: &Options) -> Outcome<Findings> {
    let node = Node::start()?;
    let place = node.end(None, 0)?;
    node.publish_many(MISSED, 0)?;
    node.end(Some(&place), MISSED)?;
    let (mut figures, mut targets) = (Map::new(), Vec::new());
    for (transport, name) in
        [(Transport::Sse, "stream"), (Transport::WebSocket, "socket"), (Transport::LongPoll, "poll")]
    {
        let mut times = Vec::new();
        for _ in 0..options.rounds {
            let tally = Tally::default();
            tally.expect(MISSED as u64);
            let begun = Instant::now();
            let manner = Manner { buffer: 16 * 1024, ..manner(transport) };
            let client = Crowd::with(tally, 1, &manner, &node.addresses(), Some(&place))?;
            let took = client.tally.wait(PATIENCE)?.saturating_duration_since(begun);
            times.push(took.as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        let (least, median, most) = (times[0], times[times.len() / 2], times[times.len() - 1]);
        println!("       {name}: least {least:.1} ms, median {median:.1} ms, most {most:.1} ms");
        figures.insert(name.to_owned(), json!({ "min_ms": least, "median_ms": median, "max_ms": most }));
        targets.push(Target::at_most(format!("{MISSED} missed events over a {name}, slowest round, ms"), most, TARGET));
    }
    Ok(Findings { figures: figures.into(), targets })
}
