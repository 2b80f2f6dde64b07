//! How long after its commit an event is received.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::node::Node;
use crate::options::Options;
use crate::receiver::{Manner, Receiver};
use crate::schema::Schema;
use crate::target::Target;
use crate::{Findings, Outcome};

/// What is wanted of p99 at 500 a second, in milliseconds.
const TARGET: f64 = 15.0;
/// How much later the neighbours of receivers that hang or are down may get theirs.
const RATIO: f64 = 1.2;
const NEIGHBOURS: usize = 20;
/// How much waits for each of the receivers that give no answer.
const BURDEN: usize = 5_000;
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) async fn measure(options: &Options, schema: &Schema) -> Outcome<Findings> {
    let receiver = Receiver::start(Manner::Fine).await?;
    let node = Node::start(schema).await?;
    node.registers(&receiver.url(), "bench.lag").await?;
    let mut lags = Vec::new();
    for round in 0..=options.rounds {
        let lag = once(options, &node, std::slice::from_ref(&receiver), &["bench.lag"]).await?;
        // The first is to warm up.
        if round > 0 {
            println!("{round:>5}  {lag}");
            lags.push(lag);
        }
    }
    node.stop().await?;
    let p99 = median(lags.iter().map(|lag| lag.millis[1]));
    let name = format!("p99 from commit to receipt at {} a second, ms", options.per_second);
    let figures = lags.iter().map(Lag::json).collect::<Vec<_>>();
    Ok(Findings { figures: json!(figures), targets: vec![Target::at_most(name, p99, TARGET)] })
}

pub(super) async fn measure_neighbours(options: &Options, schema: &Schema) -> Outcome<Findings> {
    let node = Node::start(schema).await?;
    let (mut receivers, mut kinds) = (Vec::new(), Vec::new());
    for n in 0..NEIGHBOURS {
        let (receiver, kind) = (Receiver::start(Manner::Fine).await?, format!("bench.well_{n}"));
        node.registers(&receiver.url(), &kind).await?;
        receivers.push(receiver);
        kinds.push(kind);
    }
    let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
    let hangs = Receiver::start(Manner::Hangs).await?;
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    once(options, &node, &receivers, &kinds).await?;
    for round in 1..=options.rounds {
        let lag = once(options, &node, &receivers, &kinds).await?;
        println!("{round:>5}  alone   {lag}");
        alone.push(lag);
    }
    // Nobody listens on a port that was just given back.
    let down = Receiver::start(Manner::Fine).await?.url();
    for (url, kind) in [(hangs.url(), "bench.hangs"), (down, "bench.down")] {
        node.registers(&url, kind).await?;
        for _ in 0..BURDEN / 500 {
            let events: Vec<_> = (0..500).map(|_| node.event(kind)).collect();
            node.commits(&events).await?;
        }
    }
    once(options, &node, &receivers, &kinds).await?;
    for round in 1..=options.rounds {
        let lag = once(options, &node, &receivers, &kinds).await?;
        println!("{round:>5}  beside  {lag}");
        beside.push(lag);
    }
    drop(hangs);
    node.stop().await?;
    let p99 = |lags: &[Lag]| median(lags.iter().map(|lag| lag.millis[1]));
    let ratio = p99(&beside) / p99(&alone);
    let figures = json!({
        "alone": alone.iter().map(Lag::json).collect::<Vec<_>>(),
        "beside": beside.iter().map(Lag::json).collect::<Vec<_>>(),
    });
    let target = Target::at_most("p99 beside receivers that hang and are down, as a ratio", ratio, RATIO);
    Ok(Findings { figures, targets: vec![target] })
}

/// How long events took, in milliseconds: p50, p99, p99.9 and the most.
struct Lag {
    millis: [f64; 4],
}

impl Lag {
    fn json(&self) -> Value {
        let [p50, p99, p999, most] = self.millis;
        json!({ "p50_ms": p50, "p99_ms": p99, "p999_ms": p999, "max_ms": most })
    }
}

impl std::fmt::Display for Lag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [p50, p99, p999, most] = self.millis;
        write!(f, "p50 {p50:.1} ms, p99 {p99:.1} ms, p99.9 {p999:.1} ms, at most {most:.1} ms")
    }
}

/// Commits so many events a second, one a transaction, to each receiver in turn, and waits for all.
async fn once(options: &Options, node: &Node, receivers: &[Receiver], kinds: &[&str]) -> Outcome<Lag> {
    let count = options.per_second * options.time().as_secs();
    let (begun, mut commits) = (Instant::now(), tokio::task::JoinSet::new());
    let mut committed = HashMap::new();
    for n in 0..count {
        let due = begun + Duration::from_secs_f64(n as f64 / options.per_second as f64);
        tokio::time::sleep_until(due.into()).await;
        let event = node.event(kinds[usize::try_from(n)? % kinds.len()]);
        let outbox = node.platform.ports().outbox.clone();
        commits.spawn(async move {
            let outcome = outbox.append(std::slice::from_ref(&event)).await;
            outcome.map(|()| (event.id.to_string().to_ascii_lowercase(), Instant::now()))
        });
    }
    while let Some(done) = commits.join_next().await {
        let (id, at) = done??;
        committed.insert(id, at);
    }
    let deadline = Instant::now() + PATIENCE;
    let mut lags = Histogram::<u64>::new_with_bounds(1, 3_600_000_000, 3)?;
    loop {
        let received: HashMap<_, _> = receivers.iter().flat_map(Receiver::received).collect();
        if committed.keys().all(|id| received.contains_key(id)) {
            for (id, at) in &committed {
                let (came, times) = received[id];
                if times != 1 {
                    return Err(format!("{id} came {times} times").into());
                }
                lags.saturating_record(u64::try_from(came.saturating_duration_since(*at).as_micros())?.max(1));
            }
            break;
        }
        if Instant::now() > deadline {
            return Err("not every event arrived".into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(Lag { millis: [0.5, 0.99, 0.999, 1.0].map(|share| lags.value_at_quantile(share) as f64 / 1e3) })
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = figures.collect();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
