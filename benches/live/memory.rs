//! What an idle client costs in memory.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Map, json};

use crate::crowd::{Crowd, manner};
use crate::node::Node;
use crate::options::Options;
use crate::support::live::Transport;
use crate::target::Target;
use crate::{Findings, Outcome};

/// The most KiB that are wanted of a client.
const TARGETS: [(Transport, &str, f64); 2] = [(Transport::Sse, "stream", 10.0), (Transport::WebSocket, "socket", 12.0)];

/// Clients that come and go first, so that what is made once is not counted.
const WARM_UP: usize = 500;

/// How long a server may take to notice that they are gone.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) fn measure(options: &Options) -> Outcome<Findings> {
    let (mut figures, mut targets) = (Map::new(), Vec::new());
    for (transport, name, limit) in TARGETS {
        let cold = once(options, transport, 0)?;
        let warm = once(options, transport, WARM_UP.min(options.connections))?;
        println!("       {name}: {warm:.2} KiB after a warm-up, {cold:.2} KiB without");
        figures.insert(name.to_owned(), json!({ "kib": warm, "kib_without_warm_up": cold }));
        targets.push(Target::at_most(format!("resident memory of an idle {name}, KiB"), warm, limit));
        targets.push(Target::at_most(format!("the same without a warm-up, {name}, KiB"), cold, limit));
    }
    Ok(Findings { figures: figures.into(), targets })
}

fn once(options: &Options, transport: Transport, warm_up: usize) -> Outcome<f64> {
    let node = Node::start()?;
    if warm_up > 0 {
        drop(Crowd::gather(warm_up, &manner(transport), &node.addresses())?);
        empty(&node)?;
    }
    let before = node.memory()?;
    let crowd = Crowd::gather(options.connections, &manner(transport), &node.addresses())?;
    let after = node.memory()?;
    if crowd.tally.open() != options.connections {
        return Err(format!("clients were sent away: {:?}", crowd.tally.take_words()).into());
    }
    Ok((after - before) / options.connections as f64)
}

/// Waits until a server has no live session.
fn empty(node: &Node) -> Outcome<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let metrics = node.server.api().get("/metrics")?.expect(200)?.body;
        let metrics = String::from_utf8_lossy(&metrics);
        let sessions = metrics.lines().filter(|line| line.starts_with("waypost_live_sessions{"));
        let sessions: Vec<f64> = sessions.filter_map(|line| line.rsplit_once(' ')?.1.parse().ok()).collect();
        if !sessions.is_empty() && sessions.iter().all(|count| *count == 0.0) {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err("clients that left are still counted".into());
        }
        thread::sleep(Duration::from_millis(50));
    }
}
