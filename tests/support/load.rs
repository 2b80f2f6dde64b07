//! An HTTP/1.1 load generator that accounts for every single request.
//!
//! It is cheap, since it shares the machine with the server it measures: requests are rendered once, each costs one
//! write and one read, and nothing is allocated on the way. Each load thread drives its connections on a runtime of its
//! own, so threads share no state while the clock runs.
//!
//! Two ways to send:
//!
//! - *closed loop* (the default): each connection sends its next request when the answer to the last has arrived. It shows
//!   what a server can do at most; its latencies are those of a queue as long as there are connections;
//! - *open loop* ([`Load::at_rate`]): requests fall due at a fixed rate whatever the server does, and latency counts from
//!   the instant a request was *due*. A server that stalls is charged for everyone who would have come meanwhile, which a
//!   closed loop omits.

mod answer;
mod line;
mod report;
mod requests;
mod worker;

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread::{self, JoinHandle};
use std::time::Duration;

pub use report::{ConnectionTally, Latency, PathTally, Report};
use requests::Requests;

/// Chooses the index of the path for a connection's next request: `(connection, sequence) -> index`.
pub type Choose = dyn Fn(u64, u64) -> usize + Send + Sync;

/// A load to be put on one address.
///
/// It always ends: after [`Load::for_time`] (60 s unless told) or after [`Load::for_count`] requests, whichever is first.
/// Answers still missing 5 s after that count as unanswered.
#[derive(Clone)]
pub struct Load {
    target: SocketAddr,
    connections: usize,
    threads: usize,
    paths: Vec<String>,
    headers: String,
    mark: Option<(String, String)>,
    body: Option<String>,
    choose: Option<Arc<Choose>>,
    time: Duration,
    count: Option<u64>,
    rate: Option<f64>,
}

impl Load {
    /// Prepares `GET` requests for these paths, on 64 connections and one thread.
    ///
    /// Paths are taken in turn; each connection starts at another place of the circle.
    pub fn new<P: Into<String>>(target: SocketAddr, paths: impl IntoIterator<Item = P>) -> Self {
        Self {
            target,
            connections: 64,
            threads: 1,
            paths: paths.into_iter().map(Into::into).collect(),
            headers: String::new(),
            mark: None,
            body: None,
            choose: None,
            time: Duration::from_secs(60),
            count: None,
            rate: None,
        }
    }

    /// Sets how many connections stay open, each with at most one request under way.
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections.max(1);
        self
    }

    /// Sets how many threads drive them. One is enough up to about 100,000 requests a second.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// Adds a header to every request. `Host` is there already.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    /// Adds a header whose value is different in every request: `prefix`, then the connection and its sequence number.
    ///
    /// Found again in the clicks, it tells which request each of them came from: see [`Report::marks_answered`]. Loads that
    /// must not be confused need different prefixes.
    pub fn mark(mut self, name: &str, prefix: &str) -> Self {
        self.mark = Some((name.to_owned(), prefix.to_owned()));
        self
    }

    /// Sends this JSON by `POST` instead.
    pub fn post(mut self, body: &str) -> Self {
        self.body = Some(body.to_owned());
        self
    }

    /// Chooses paths by a function of connection and sequence number instead of in turn.
    ///
    /// An index past the last path wraps around.
    pub fn choose(mut self, choose: impl Fn(u64, u64) -> usize + Send + Sync + 'static) -> Self {
        self.choose = Some(Arc::new(choose));
        self
    }

    /// Ends the load after this time.
    pub fn for_time(mut self, time: Duration) -> Self {
        self.time = time;
        self
    }

    /// Ends the load after this many requests, or when its time is over.
    pub fn for_count(mut self, count: u64) -> Self {
        self.count = Some(count);
        self
    }

    /// Sends at a fixed rate, in requests a second over all connections: the open loop.
    ///
    /// A request that falls due while every connection is busy waits, and the wait is part of its latency.
    pub fn at_rate(mut self, per_second: u32) -> Self {
        self.rate = Some(f64::from(per_second));
        self
    }

    /// Runs the load to its end on threads of its own, and blocks meanwhile.
    ///
    /// # Errors
    ///
    /// When a connection cannot be opened at the start. What happens later is in the report.
    pub fn run(self) -> io::Result<Report> {
        self.start()?.join()
    }

    /// Starts the load and returns at once.
    ///
    /// # Errors
    ///
    /// When the request cannot be rendered (no path, a line break in a header) or a thread cannot be started.
    pub fn start(self) -> io::Result<Running> {
        let threads = self.threads.min(self.connections);
        let requests =
            Requests::render(self.target, &self.paths, &self.headers, self.mark.as_ref(), self.body.as_deref())?;
        let plan = Arc::new(worker::Plan {
            target: self.target,
            connections: self.connections,
            threads,
            requests,
            choose: self.choose,
            time: self.time,
            count: self.count,
            rate: self.rate,
            // The clock starts for all threads together, when every connection stands.
            barrier: Barrier::new(threads),
        });
        let signals: Vec<_> = (0..threads).map(|_| Arc::new(Signals::default())).collect();
        let workers = signals
            .iter()
            .enumerate()
            .map(|(thread, signals)| {
                let (plan, signals) = (Arc::clone(&plan), Arc::clone(signals));
                thread::Builder::new()
                    .name(format!("load-{thread}"))
                    .spawn(move || worker::run(&plan, thread, &signals))
            })
            .collect::<io::Result<Vec<_>>>()?;
        Ok(Running { plan, signals, workers })
    }
}

/// What a load thread and its owner tell each other. One pair a thread, so that no two threads write to the same word.
#[derive(Default)]
struct Signals {
    stop: AtomicBool,
    answered: AtomicU64,
}

/// A load under way, so that a test can kill the server in the middle of it.
///
/// Dropped without [`Running::join`], the load runs on to its own end.
pub struct Running {
    plan: Arc<worker::Plan>,
    signals: Vec<Arc<Signals>>,
    workers: Vec<JoinHandle<io::Result<report::ThreadTally>>>,
}

impl Running {
    /// Counts the answers completely received so far.
    pub fn answered(&self) -> u64 {
        self.signals.iter().map(|signals| signals.answered.load(Ordering::Relaxed)).sum()
    }

    /// Waits until this many answers have arrived, or until the load has ended; returns how many there are.
    pub fn wait_for(&self, answers: u64) -> u64 {
        loop {
            let answered = self.answered();
            if answered >= answers || self.workers.iter().all(JoinHandle::is_finished) {
                return answered;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Ends the load early: answers under way are awaited, no further request is sent.
    pub fn stop(&self) {
        for signals in &self.signals {
            signals.stop.store(true, Ordering::Relaxed);
        }
    }

    /// Waits for the end and adds up what the threads saw.
    ///
    /// # Errors
    ///
    /// When a connection could not be opened at the start.
    pub fn join(self) -> io::Result<Report> {
        let mut tallies = Vec::with_capacity(self.workers.len());
        for worker in self.workers {
            tallies.push(worker.join().map_err(|_| io::Error::other("a load thread panicked"))??);
        }
        Ok(Report::sum(&self.plan.requests, tallies))
    }
}
