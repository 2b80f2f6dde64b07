//! Deliveries a second, while more and more is offered.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::crowd::{Crowd, manner};
use crate::node::{Node, publish_many};
use crate::options::Options;
use crate::support::live::{Manner, Transport};
use crate::target::Target;
use crate::{Findings, Outcome};

/// What is wanted, in deliveries a second.
const TARGET: f64 = 100_000.0;

/// Events a second at the first step; each further one has twice as many.
const FIRST: usize = 100;
const STEPS: usize = 4;

/// Calls a second that events are made in.
const CALLS: usize = 10;

/// How much of the most may be delivered while twice as much is offered.
const KEPT: f64 = 0.9;

/// How much memory may be taken by what is on its way: the bound of what is held for those who are behind, and as much
/// for buffers of connections, in KiB.
const GROWTH: f64 = 128.0 * 1024.0;

const PATIENCE: Duration = Duration::from_secs(120);

pub(super) fn measure(options: &Options) -> Outcome<Findings> {
    let (mut figures, mut targets) = (Map::new(), Vec::new());
    for (transport, name) in [(Transport::Sse, "streams"), (Transport::WebSocket, "sockets")] {
        let node = Node::start()?;
        // What a client does that wants much: it reads much at a time, and comes back when it is told.
        let manner = Manner { buffer: 32 * 1024, patience: Some(Duration::from_secs(5)), ..manner(transport) };
        let crowd = Crowd::gather(options.subscribers, &manner, &node.addresses())?;
        let before = node.memory()?;
        let mut steps = Vec::new();
        for step in 0..STEPS {
            steps.push(once(options, &node, &crowd, FIRST << step)?);
            println!("       {name}: {}", steps[step].text());
        }
        if crowd.tally.resets() > 0 {
            return Err("a place was lost".into());
        }
        let rate = |step: &Step| step.delivered;
        let most = steps.iter().map(rate).fold(0.0, f64::max);
        let last = steps[STEPS - 1].delivered;
        let after = node.memory()?;
        let growth = (steps.iter().map(|step| step.memory).fold(0.0, f64::max) - before).max(0.0);
        println!("       {name}: {:.1} MiB before, {:.1} MiB afterwards at rest", before / 1024.0, after / 1024.0);
        let all = steps.iter().map(Step::json).collect::<Vec<_>>();
        figures.insert(name.to_owned(), json!({ "steps": all, "growth_kib": growth, "kept_kib": after - before }));
        targets.push(Target::at_least(format!("deliveries a second to {} {name}", options.subscribers), most, TARGET));
        let name_of_kept = format!("deliveries under the greatest offer, by the most, {name}");
        targets.push(Target::at_least(name_of_kept, last / most, KEPT));
        targets.push(Target::at_most(format!("memory that the flood takes, {name}, KiB"), growth, GROWTH));
    }
    Ok(Findings { figures: figures.into(), targets })
}

/// What came of one offer.
struct Step {
    offered: f64,
    published: f64,
    delivered: f64,
    caught_up: Duration,
    memory: f64,
    endings: Value,
}

impl Step {
    fn text(&self) -> String {
        let Self { offered, published, delivered, caught_up, memory, endings } = self;
        let memory = memory / 1024.0;
        format!(
            "{offered:.0} events a second offered, {published:.0} published, {delivered:.0} deliveries a second; the last \
             {caught_up:.1?} later; {memory:.1} MiB; {endings}"
        )
    }

    fn json(&self) -> Value {
        json!({
            "offered": self.offered, "published": self.published, "deliveries_per_second": self.delivered,
            "caught_up_s": self.caught_up.as_secs_f64(), "rss_kib": self.memory, "endings": self.endings,
        })
    }
}

/// Offers so many events a second for a while, and waits until everybody has all of them.
fn once(options: &Options, node: &Node, crowd: &Crowd, rate: usize) -> Outcome<Step> {
    let time = Duration::from_secs(options.seconds);
    let events = rate * options.seconds as usize;
    crowd.tally.expect((events * options.subscribers) as u64);
    let before = crowd.tally.events();
    let begun = Instant::now();
    let api = node.server.api();
    let writer = thread::spawn(move || -> Outcome<Instant> {
        for call in 0..events / (rate / CALLS) {
            let due = begun + Duration::from_secs_f64(call as f64 / CALLS as f64);
            thread::sleep(due.saturating_duration_since(Instant::now()));
            publish_many(&api, rate / CALLS, 0)?;
        }
        Ok(Instant::now())
    });
    thread::sleep(time);
    let delivered = (crowd.tally.events() - before) as f64 / begun.elapsed().as_secs_f64();
    let memory = node.server.process().rss_bytes()? as f64 / 1024.0;
    let last = writer.join().map_err(|_| "the writer panicked")??;
    let done = crowd.tally.wait(PATIENCE)?;
    // Whoever was sent away is back before the next offer.
    let deadline = Instant::now() + PATIENCE;
    while crowd.tally.open() < options.subscribers {
        if Instant::now() > deadline {
            return Err("clients that were sent away have not come back".into());
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(Step {
        offered: rate as f64,
        published: events as f64 / last.saturating_duration_since(begun).max(time).as_secs_f64(),
        delivered,
        caught_up: done.saturating_duration_since(last),
        memory,
        endings: json!(crowd.tally.take_words()),
    })
}
