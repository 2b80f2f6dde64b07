//! One load thread: its plan, its pace, its tally.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::line::{Line, connect};
use super::report::ThreadTally;
use super::requests::Requests;
use super::{Choose, Signals};

/// How long answers under way are awaited after the end of a load.
const GRACE: Duration = Duration::from_secs(5);

/// What all threads of a load do.
pub(super) struct Plan {
    pub(super) target: SocketAddr,
    pub(super) connections: usize,
    pub(super) threads: usize,
    pub(super) requests: Requests,
    pub(super) choose: Option<Arc<Choose>>,
    pub(super) time: Duration,
    pub(super) count: Option<u64>,
    pub(super) rate: Option<f64>,
    pub(super) barrier: Barrier,
}

impl Plan {
    /// The path of a connection's next request.
    pub(super) fn path(&self, connection: u64, sequence: u64) -> usize {
        let paths = self.requests.paths.len();
        let index = match &self.choose {
            Some(choose) => choose(connection, sequence),
            None => connection as usize * paths / self.connections + sequence as usize,
        };
        index % paths
    }

    /// A thread's share of a total that need not be divisible.
    fn share(&self, total: u64, thread: usize) -> u64 {
        let (threads, thread) = (self.threads as u64, thread as u64);
        total / threads + u64::from(thread < total % threads)
    }

    fn schedule(&self, start: Instant, thread: usize) -> Option<Schedule> {
        let rate = self.rate?;
        let total = (rate * self.time.as_secs_f64()) as u64;
        let total = self.share(self.count.map_or(total, |count| count.min(total)), thread);
        Some(Schedule { start, interval: Duration::from_secs_f64(self.threads as f64 / rate), total })
    }
}

/// The instants at which the requests of an open loop fall due.
#[derive(Clone, Copy)]
struct Schedule {
    start: Instant,
    interval: Duration,
    total: u64,
}

impl Schedule {
    fn due(&self, index: u64) -> Instant {
        self.start + self.interval.mul_f64(index as f64)
    }

    /// Lets requests through as they fall due, until the last one or until the load ends.
    ///
    /// On a thread of its own, since a sleeping thread wakes within some 60 µs, and the runtime's timers only within a
    /// millisecond: as much as the latencies to be measured.
    fn pace(&self, permits: &Semaphore, spare: usize, signals: &Signals) {
        let mut released = 0;
        while released < self.total {
            if permits.is_closed() || signals.stop.load(Ordering::Relaxed) {
                permits.close();
                return;
            }
            let now = Instant::now();
            let mut due = 0;
            while released < self.total && self.due(released) <= now {
                (released, due) = (released + 1, due + 1);
            }
            permits.add_permits(due);
            thread::sleep(self.due(released).saturating_duration_since(Instant::now()));
        }
        // One more for each connection, by which it learns that nothing is left.
        permits.add_permits(spare);
    }
}

/// What the connections of one thread share. They run on one thread, so no lock and no atomic is needed.
pub(super) struct Shared {
    pub(super) plan: Arc<Plan>,
    pub(super) signals: Arc<Signals>,
    pub(super) tally: RefCell<ThreadTally>,
    pub(super) last_answer: Cell<Instant>,
    start: Instant,
    /// Requests begun so far.
    begun: Cell<u64>,
    /// Requests to be begun at most.
    limit: u64,
}

impl Shared {
    /// Takes the right to begin one more request, and its number.
    fn take(&self) -> Option<u64> {
        let number = self.begun.get();
        if number >= self.limit || self.signals.stop.load(Ordering::Relaxed) {
            return None;
        }
        self.begun.set(number + 1);
        Some(number)
    }

    /// Notes what broke a connection.
    pub(super) fn fault(&self, fault: String) {
        *self.tally.borrow_mut().faults.entry(fault).or_default() += 1;
    }
}

/// Drives one thread's connections to the end of the load.
pub(super) fn run(plan: &Arc<Plan>, thread: usize, signals: &Arc<Signals>) -> io::Result<ThreadTally> {
    let prepared = prepare(plan, thread);
    // Reached on failure too: the other threads are waiting there.
    plan.barrier.wait();
    let (runtime, lines) = prepared?;

    let start = Instant::now();
    let schedule = plan.schedule(start, thread);
    let limit = match (schedule, plan.count) {
        (Some(schedule), _) => schedule.total,
        (None, Some(count)) => plan.share(count, thread),
        (None, None) => u64::MAX,
    };
    let shared = Rc::new(Shared {
        plan: Arc::clone(plan),
        signals: Arc::clone(signals),
        tally: RefCell::new(ThreadTally::new(plan.requests.paths.len(), lines.iter().map(|line| line.number))),
        last_answer: Cell::new(start),
        start,
        begun: Cell::new(0),
        limit,
    });
    runtime.block_on(drive(&shared, lines, schedule));
    drop(runtime);

    let begun = shared.begun.get();
    let last_answer = shared.last_answer.get();
    let shared = Rc::into_inner(shared).ok_or_else(|| io::Error::other("a connection outlived its runtime"))?;
    let mut tally = shared.tally.into_inner();
    tally.elapsed = last_answer - start;
    if let Some(schedule) = schedule.filter(|_| !signals.stop.load(Ordering::Relaxed)) {
        // Leaving these out would flatter the very run that failed: each is charged the time that it has waited.
        let now = Instant::now();
        for index in begun..schedule.total {
            tally.missed += 1;
            tally.latency.record(now.saturating_duration_since(schedule.due(index)));
        }
    }
    Ok(tally)
}

fn prepare(plan: &Plan, thread: usize) -> io::Result<(LocalRuntime, Vec<Line>)> {
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
    let lines = runtime.block_on(async {
        let mut lines = Vec::new();
        for (slot, number) in (thread..plan.connections).step_by(plan.threads).enumerate() {
            lines.push(Line::new(slot, number as u64, connect(plan.target).await?));
        }
        Ok::<_, io::Error>(lines)
    })?;
    Ok((runtime, lines))
}

async fn drive(shared: &Rc<Shared>, lines: Vec<Line>, schedule: Option<Schedule>) {
    let permits = Arc::new(Semaphore::new(0));
    let pacer = schedule.map(|schedule| {
        let (permits, signals, spare) = (Arc::clone(&permits), Arc::clone(&shared.signals), lines.len());
        thread::spawn(move || schedule.pace(&permits, spare, &signals))
    });
    let tasks: Vec<_> = lines
        .into_iter()
        .map(|line| {
            let (shared, permits) = (Rc::clone(shared), Arc::clone(&permits));
            tokio::task::spawn_local(async move {
                match schedule {
                    None => closed_loop(&shared, line).await,
                    Some(schedule) => open_loop(&shared, line, schedule, &permits).await,
                }
            })
        })
        .collect();
    let all = async {
        for task in tasks {
            let _ = task.await;
        }
    };
    if timeout(shared.plan.time + GRACE, all).await.is_err() {
        shared.fault("no answer within 5 s of the end of the load".to_owned());
    }
    permits.close();
    if let Some(pacer) = pacer {
        let _ = pacer.join();
    }
}

async fn closed_loop(shared: &Shared, mut line: Line) {
    let deadline = shared.start + shared.plan.time;
    // The arrival of an answer is the send of the next request: one look at the clock serves both.
    let mut now = shared.start;
    while now < deadline && shared.take().is_some() {
        let Some(answered) = line.exchange(shared, now).await else {
            return;
        };
        now = answered;
    }
}

async fn open_loop(shared: &Shared, mut line: Line, schedule: Schedule, permits: &Semaphore) {
    // Waiters are served in order, so the request due first goes to the connection that has been free longest.
    while let Ok(permit) = permits.acquire().await {
        permit.forget();
        let Some(index) = shared.take() else { return };
        let due = schedule.due(index);
        shared.tally.borrow_mut().lag.record(due.elapsed());
        if line.exchange(shared, due).await.is_none() {
            return;
        }
    }
}
