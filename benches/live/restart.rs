//! How thousands come back to a server that was restarted.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::crowd::{Crowd, manner};
use crate::node::Node;
use crate::options::Options;
use crate::support::live::{Manner, Transport};
use crate::target::Target;
use crate::{Findings, Outcome};

/// The default of `live_drain_rate`, a second.
const RATE: f64 = 1_000.0;

/// How much more than the rate may arrive.
const RATIO: f64 = 1.2;

/// What arrivals are counted over.
const WINDOWS: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(1)];

/// How long a server may take to end, and how long its clients may take to be back.
const PATIENCE: Duration = Duration::from_secs(120);

pub(super) fn measure(options: &Options) -> Outcome<Findings> {
    let mut node = Node::start()?;
    let addresses = node.addresses();
    let manner = Manner { patience: Some(PATIENCE), ..manner(Transport::Sse) };
    let crowd = Crowd::gather(options.connections, &manner, &addresses)?;
    crowd.tally.take_openings();

    let begun = Instant::now();
    node.server.process().ask_to_end()?;
    let status = node.server.process_mut().await_end(PATIENCE)?;
    let ended = begun.elapsed();
    if !status.success() {
        return Err(format!("the server ended with {status}").into());
    }
    node.server.restart()?;
    let up = Instant::now();
    addresses.set(0, node.server.address());
    let deadline = up + PATIENCE;
    while crowd.tally.open() < options.connections {
        if Instant::now() > deadline {
            let (open, words) = (crowd.tally.open(), crowd.tally.take_words());
            return Err(format!("{open} of {} clients are back: {words:?}", options.connections).into());
        }
        thread::sleep(Duration::from_millis(10));
    }
    let mut openings = crowd.tally.take_openings();
    openings.sort_unstable();
    let back = openings.last().map_or(Duration::ZERO, |last| last.saturating_duration_since(up));
    println!("       {ended:.1?} until it had ended, {back:.1?} from its restart until all were back");
    println!("       {:?}", crowd.tally.take_words());
    let [short, long] = WINDOWS.map(|window| most_within(&openings, window) / window.as_secs_f64());
    let figures = json!({
        "ended_s": ended.as_secs_f64(), "back_s": back.as_secs_f64(), "most_per_second_within_100_ms": short,
        "most_per_second_within_1_s": long,
    });
    let targets = vec![
        Target::at_most("arrivals within any second, by the configured rate", long / RATE, RATIO),
        Target::at_most("arrivals within any 100 ms, by the configured rate", short / RATE, RATIO),
    ];
    Ok(Findings { figures, targets })
}

/// The most arrivals within any such time.
fn most_within(sorted: &[Instant], window: Duration) -> f64 {
    let mut first = 0;
    let counts = sorted.iter().enumerate().map(|(last, at)| {
        while at.saturating_duration_since(sorted[first]) >= window {
            first += 1;
        }
        last + 1 - first
    });
    counts.max().unwrap_or(0) as f64
}
