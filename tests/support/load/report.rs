//! What a load saw, added up.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use super::requests::{Mark, Requests};

/// The outcome of a load.
///
/// Every request begun is in exactly one of three counts: `answered`, `unanswered` and `unsent`.
pub struct Report {
    /// From the start of the clock to the last answer.
    pub elapsed: Duration,
    /// Requests whose answer arrived completely, whatever its status.
    pub answered: u64,
    /// Requests written to the last byte whose answer never arrived completely: the server may have acted on them.
    pub unanswered: u64,
    /// Requests that the connection did not take whole, so that no server can have acted on them.
    pub unsent: u64,
    /// Requests of an open loop that fell due and were never begun, since the server was too slow or gone.
    pub missed: u64,
    /// Answers by status.
    pub statuses: BTreeMap<u16, u64>,
    /// What broke connections, and how many of them.
    pub faults: BTreeMap<String, u64>,
    /// Time to the answer: from the send in a closed loop, from the instant it was due in an open one.
    pub latency: Latency,
    /// How late an open loop sent: its own share, and that of busy connections, in the latency.
    pub lag: Latency,
    /// Answers by path, in the order in which the paths were given.
    pub paths: Vec<PathTally>,
    /// Answers by connection.
    pub connections: Vec<ConnectionTally>,
    /// How this load marked its requests, if it did.
    mark: Option<Mark>,
}

/// What became of the requests for one path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PathTally {
    /// The path.
    pub path: String,
    /// Answers with a status of 3xx that arrived completely.
    pub redirected: u64,
    /// Answers with any other status.
    pub refused: u64,
    /// Requests sent whole whose answer never arrived completely.
    pub unanswered: u64,
}

/// What became of the requests of one connection, which sends its sequence numbers in order from 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectionTally {
    /// The connection's number.
    pub connection: u64,
    /// Answers that arrived completely: those to the sequence numbers below this.
    pub answered: u64,
    /// Sequence numbers among them whose status was not 3xx.
    pub refused: Vec<u64>,
    /// The path and sequence number of the request under way when the connection broke.
    pub unanswered: Option<(usize, u64)>,
}

/// Latencies with three significant digits, from 1 µs to a minute.
#[derive(Clone)]
pub struct Latency(pub(super) Histogram<u64>);

impl Latency {
    pub(super) fn new() -> Self {
        Self(Histogram::new_with_bounds(1_000, 60_000_000_000, 3).expect("the bounds are valid"))
    }

    pub(super) fn record(&mut self, latency: Duration) {
        self.0.saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
    }

    /// The latency that this share of requests did not exceed: `at(0.99)` is the 99th percentile.
    pub fn at(&self, quantile: f64) -> Duration {
        Duration::from_nanos(self.0.value_at_quantile(quantile))
    }

    /// The median.
    pub fn p50(&self) -> Duration {
        self.at(0.5)
    }

    /// The 90th percentile.
    pub fn p90(&self) -> Duration {
        self.at(0.9)
    }

    /// The 99th percentile.
    pub fn p99(&self) -> Duration {
        self.at(0.99)
    }

    /// The 99.9th percentile.
    pub fn p999(&self) -> Duration {
        self.at(0.999)
    }

    /// The longest.
    pub fn max(&self) -> Duration {
        Duration::from_nanos(self.0.max())
    }
}

/// What one load thread saw.
pub(super) struct ThreadTally {
    pub(super) elapsed: Duration,
    pub(super) unsent: u64,
    pub(super) missed: u64,
    pub(super) statuses: Box<[u64; 1000]>,
    pub(super) faults: BTreeMap<String, u64>,
    pub(super) latency: Latency,
    pub(super) lag: Latency,
    /// Redirected and refused, by path.
    pub(super) paths: Vec<[u64; 2]>,
    pub(super) connections: Vec<ConnectionTally>,
}

impl ThreadTally {
    pub(super) fn new(paths: usize, connections: impl Iterator<Item = u64>) -> Self {
        Self {
            elapsed: Duration::ZERO,
            unsent: 0,
            missed: 0,
            statuses: Box::new([0; 1000]),
            faults: BTreeMap::new(),
            latency: Latency::new(),
            lag: Latency::new(),
            paths: vec![[0; 2]; paths],
            connections: connections
                .map(|connection| ConnectionTally { connection, ..ConnectionTally::default() })
                .collect(),
        }
    }

    /// Notes a complete answer to what the connection in this slot has under way.
    pub(super) fn answered(&mut self, slot: usize, status: u16, latency: Duration) {
        let connection = &mut self.connections[slot];
        let Some((path, sequence)) = connection.unanswered.take() else {
            return;
        };
        connection.answered += 1;
        let redirected = (300..400).contains(&status);
        if !redirected {
            connection.refused.push(sequence);
        }
        self.paths[path][usize::from(!redirected)] += 1;
        self.statuses[usize::from(status)] += 1;
        self.latency.record(latency);
    }
}

impl Report {
    pub(super) fn sum(requests: &Requests, threads: Vec<ThreadTally>) -> Self {
        let mut report = Self {
            elapsed: Duration::ZERO,
            answered: 0,
            unanswered: 0,
            unsent: 0,
            missed: 0,
            statuses: BTreeMap::new(),
            faults: BTreeMap::new(),
            latency: Latency::new(),
            lag: Latency::new(),
            paths: requests.paths.iter().map(|path| PathTally { path: path.clone(), ..PathTally::default() }).collect(),
            connections: Vec::new(),
            mark: requests.mark.clone(),
        };
        for thread in threads {
            report.elapsed = report.elapsed.max(thread.elapsed);
            report.unsent += thread.unsent;
            report.missed += thread.missed;
            for (status, count) in (0..).zip(thread.statuses.iter()).filter(|(_, count)| **count > 0) {
                *report.statuses.entry(status).or_default() += count;
            }
            for (fault, count) in thread.faults {
                *report.faults.entry(fault).or_default() += count;
            }
            // Equal bounds: adding cannot fail.
            let _ = report.latency.0.add(&thread.latency.0);
            let _ = report.lag.0.add(&thread.lag.0);
            for (tally, [redirected, refused]) in report.paths.iter_mut().zip(thread.paths) {
                tally.redirected += redirected;
                tally.refused += refused;
            }
            report.connections.extend(thread.connections);
        }
        report.connections.sort_by_key(|connection| connection.connection);
        for connection in &report.connections {
            report.answered += connection.answered;
            if let Some((path, _)) = connection.unanswered {
                report.unanswered += 1;
                report.paths[path].unanswered += 1;
            }
        }
        report
    }

    /// Answers a second.
    pub fn rate(&self) -> f64 {
        self.answered as f64 / self.elapsed.as_secs_f64().max(f64::MIN_POSITIVE)
    }

    /// Redirects that arrived completely, over all paths.
    pub fn redirected(&self) -> u64 {
        self.paths.iter().map(|path| path.redirected).sum()
    }

    /// Marks of the requests whose redirect arrived completely: each of them must be found among the clicks, once.
    ///
    /// Empty for a load without [`Load::mark`](super::Load::mark), as is [`Report::marks_unanswered`].
    pub fn marks_answered(&self) -> impl Iterator<Item = String> {
        self.connections.iter().flat_map(move |tally| {
            (0..tally.answered)
                .filter(|sequence| tally.refused.binary_search(sequence).is_err())
                .filter_map(|sequence| Some(self.mark.as_ref()?.value(tally.connection, sequence)))
        })
    }

    /// Marks of the requests sent whole and never answered: each of them may be found among the clicks, at most once.
    pub fn marks_unanswered(&self) -> impl Iterator<Item = String> {
        self.connections.iter().filter_map(|tally| {
            let (_, sequence) = tally.unanswered?;
            Some(self.mark.as_ref()?.value(tally.connection, sequence))
        })
    }
}
