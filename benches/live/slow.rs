//! A client that stops reading, and those beside it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::Notify;

use crate::crowd::{Crowd, manner};
use crate::node::Node;
use crate::options::Options;
use crate::support::live::stream::{Reader, ask};
use crate::support::live::{Ear, Manner, Told, Transport};
use crate::tally::Tally;
use crate::target::Target;
use crate::{Findings, Outcome};

/// How much later the others may get theirs.
const RATIO: f64 = 1.2;

/// Events a second, and the bytes that each carries beside a link: the one that stops is further behind than it may be
/// before the measurement ends.
const RATE: usize = 50;
const FILLING: usize = 1_500;

/// The least that a kernel holds for a reader that does not read.
const UNREAD: u32 = 4 * 1024;

/// How long one that reads again may take to be told why, and how long a kernel lets a connection be silent.
const PATIENCE: Duration = Duration::from_secs(60);

/// How much may be held for it beside what is held for all, in KiB: a buffer of its connection, and a page of the log.
const MEMORY: f64 = 8.0 * 1024.0;

pub(super) fn measure(options: &Options) -> Outcome<Findings> {
    let (mut alone, mut beside, mut told, mut grown) = (Vec::new(), Vec::new(), BTreeMap::new(), Vec::new());
    // Turn by turn, so that neither has the better machine.
    for round in 0..3 {
        let (late, quiet, _) = once(options, false)?;
        let (later, noisy, said) = once(options, true)?;
        println!("       round {}: p99 {late:.1} ms alone, {later:.1} ms beside one that stops reading", round + 1);
        alone.push(late);
        beside.push(later);
        grown.push((noisy - quiet).max(0.0));
        told = said;
    }
    println!("       what it was told when it read again: {told:?}");
    let is_told = told.keys().any(|word| word.contains("too_slow"));
    for figures in [&mut alone, &mut beside, &mut grown] {
        figures.sort_by(f64::total_cmp);
    }
    let figures = json!({ "p99_ms_alone": alone, "p99_ms_beside": beside, "told": told, "grown_kib": grown });
    let targets = vec![
        Target::at_most("p99 beside a client that stops reading, as a ratio", beside[1] / alone[1], RATIO),
        Target::at_least("a client that stopped reading is told why (1: yes)", f64::from(u8::from(is_told)), 1.0),
        Target::at_most("memory of a client that stops reading, KiB", grown[1], MEMORY),
    ];
    Ok(Findings { figures, targets })
}

/// How late the others are at p99 in ms, the server's memory in KiB, and what the one is told when it reads again.
fn once(options: &Options, has_slow_one: bool) -> Outcome<(f64, f64, BTreeMap<String, usize>)> {
    let node = Node::start()?;
    let crowd = Crowd::with(
        Tally::of_lags()?,
        options.subscribers,
        &Manner { buffer: 16 * 1024, ..manner(Transport::Sse) },
        &node.addresses(),
        None,
    )?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let reads = Arc::new(Notify::new());
    let slow = has_slow_one.then(|| runtime.spawn(stops(node.server.address(), reads.clone())));
    let events = (RATE as u64 * options.seconds.max(3) * 2) as usize;
    crowd.tally.expect((events * options.subscribers) as u64);
    let begun = Instant::now();
    for number in 0..events {
        let due = begun + Duration::from_secs_f64(number as f64 / RATE as f64);
        thread::sleep(due.saturating_duration_since(Instant::now()));
        crowd.tally.sends();
        node.publish_many(1, FILLING)?;
    }
    crowd.tally.wait(PATIENCE)?;
    let memory = node.server.process().rss_bytes()? as f64 / 1024.0;
    reads.notify_one();
    let told = match slow {
        Some(slow) => runtime.block_on(slow)??,
        None => BTreeMap::new(),
    };
    let ([_, p99, ..], _) = crowd.tally.lateness();
    Ok((p99, memory, told))
}

/// What is said beside events, and how many of these there are.
#[derive(Default)]
struct Words(BTreeMap<String, usize>);

impl Ear for Words {
    fn hear(&mut self, told: Told<'_>) {
        let word = match told {
            Told::Event(_) => "events".to_owned(),
            Told::Word(name, text) => format!("{name} {}", String::from_utf8_lossy(text)),
            other => format!("{other:?}"),
        };
        *self.0.entry(word).or_default() += 1;
    }
}

/// Opens a stream, reads nothing until it is told to, and then all that there is.
async fn stops(address: std::net::SocketAddr, reads: Arc<Notify>) -> Outcome<BTreeMap<String, usize>> {
    let manner = Manner { unread: Some(UNREAD), ..manner(Transport::Sse) };
    let (mut wire, head) = ask(address, &manner, None).await?;
    let (mut reader, mut words) = (Reader::after(&head), Words::default());
    reads.notified().await;
    loop {
        match wire.more(PATIENCE).await {
            Ok([]) => break,
            Ok(bytes) => reader.read(bytes, &mut words)?,
            Err(error) => {
                words.0.insert(format!("the connection: {error}"), 1);
                break;
            }
        }
        // A stream that goes on is no answer.
        if words.0.keys().any(|word| word.starts_with("closing")) {
            break;
        }
    }
    Ok(words.0)
}
