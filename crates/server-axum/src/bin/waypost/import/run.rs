//! The writing side: two batches at a time, so that one is made ready while the other is written.

use std::collections::{HashSet, VecDeque};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use waypost_core::clock::{Clock as _, SystemClock};
use waypost_core::{Error, Kind};

use super::batch::{self, Batch, Item};
use super::formats::{self, OpenError, Options};
use super::progress::Progress;
use super::rejects::{Reject, Rejects};
use super::report::{Report, Summary};
use super::sink::{Fate, Sink};
use super::source::Source;
use crate::failure::{self, Failure};

/// Batches that are written at a time.
const IN_FLIGHT: usize = 2;
/// Batches that are read ahead.
const AHEAD: usize = 4;
/// How often a batch is tried while the sink is away: about half a minute in all.
const TRIES: u32 = 6;
/// How many slugs are drawn for a row whose slug a stranger has. Twice is once in millions.
const DRAWS: u32 = 4;

/// How to import.
#[derive(Debug)]
pub(super) struct Plan {
    /// Links a batch.
    pub(super) batch: usize,
    /// Where refused rows go.
    pub(super) rejects: Rejects,
    /// The domain of every link, whatever the source says.
    pub(super) domain: Option<String>,
    /// Whether nothing is to be written.
    pub(super) is_trial: bool,
}

/// A batch whose links have met their fates.
struct Written<R> {
    batch: Batch<R>,
    fates: VecDeque<Fate>,
}

/// A batch on its way.
type Flight<R> = JoinHandle<Result<Written<R>, Error>>;

/// Imports `source` into `sink`.
pub(super) async fn run<T: Sink>(sink: T, source: Source, options: Options, plan: Plan) -> Result<ExitCode, Failure> {
    let sink = Arc::new(sink);
    let mut import = Importing {
        progress: Progress::new(SystemClock.now(), source.length),
        sink: sink.clone(),
        in_flight: VecDeque::new(),
        names: VecDeque::new(),
        report: Report::default(),
        plan,
    };
    let (out, mut batches) = mpsc::channel(AHEAD);
    let (opened, open) = tokio::sync::oneshot::channel();
    let (size, domain, name) = (import.plan.batch, import.plan.domain.clone(), source.name.clone());
    // Not a task: reading a pipe may wait for ever, and nobody waits for this thread.
    std::thread::spawn(move || {
        let taken = source.taken;
        let rows = match formats::open(source.bytes, &options) {
            Ok(rows) => rows,
            Err(fault) => return drop(opened.send(Err(fault))),
        };
        let _ = opened.send(Ok((rows.format, rows.ignored_columns().to_vec())));
        batch::read(rows, &*sink, domain.as_deref(), size, &taken, &out);
    });
    let mut signals = crate::serve::Signals::listen().map_err(|fault| Failure::broken(fault.to_string()))?;
    let mut stopped = None;
    let first = tokio::select! {
        first = open => first,
        signal = signals.next() => return Ok(ExitCode::from(signal.status())),
    };
    let (format, ignored) = first
        .map_err(|_| Failure::broken(format!("{name} could not be read")))?
        .map_err(|fault: OpenError| Failure::usage(unopened(&name, &fault)))?;
    eprintln!("reading {name} as {format}");
    if !ignored.is_empty() {
        eprintln!("columns that say nothing to a link, and are left out: {}", ignored.join(", "));
    }
    loop {
        let batch = tokio::select! {
            batch = batches.recv() => batch,
            signal = signals.next() => {
                stopped = Some(signal);
                None
            }
        };
        let Some(batch) = batch else { break };
        import.launch(batch).await?;
    }
    drop(batches);
    while !import.in_flight.is_empty() {
        tokio::select! {
            landed = import.land() => landed?,
            // Once is a wish to stop soon, twice a wish to stop now.
            signal = signals.next() => match stopped {
                Some(_) => std::process::exit(i32::from(signal.status())),
                None => stopped = Some(signal),
            },
        }
    }
    import.finish(stopped.map(|signal| signal.status()))
}

fn unopened(name: &str, fault: &OpenError) -> String {
    let cause = std::error::Error::source(fault).map(|cause| format!(" ({cause})")).unwrap_or_default();
    format!("{name}: {fault}{cause}")
}

/// An import that is under way.
struct Importing<T: Sink> {
    sink: Arc<T>,
    plan: Plan,
    progress: Progress,
    report: Report,
    in_flight: VecDeque<Flight<T::Ready>>,
    /// The names of what is on its way, a set a batch: of two rows with one name the first must win.
    names: VecDeque<HashSet<(Option<String>, String)>>,
}

impl<T: Sink> Importing<T> {
    /// Sends a batch on its way, once there is room and nothing on its way has a name of it.
    async fn launch(&mut self, batch: Batch<T::Ready>) -> Result<(), Failure> {
        let name = |item: &Item<T::Ready>| (item.row.domain.clone(), item.slug.as_str().to_owned());
        let names: HashSet<_> = batch.items.iter().map(name).collect();
        while self.in_flight.len() >= IN_FLIGHT || self.names.iter().any(|others| !others.is_disjoint(&names)) {
            self.land().await?;
        }
        let (sink, is_trial) = (self.sink.clone(), self.plan.is_trial);
        self.in_flight.push_back(tokio::spawn(async move {
            let (batch, fates) = settle(&*sink, batch, is_trial).await?;
            Ok(Written { batch, fates })
        }));
        self.names.push_back(names);
        Ok(())
    }

    /// Waits for the oldest batch on its way and counts it. Cancel safe.
    async fn land(&mut self) -> Result<(), Failure> {
        let Some(flight) = self.in_flight.front_mut() else {
            return Ok(());
        };
        let landed = flight.await;
        self.in_flight.pop_front();
        self.names.pop_front();
        let written = match landed {
            Ok(Ok(written)) => written,
            Ok(Err(error)) => return Err(self.broken_off(&failure::in_full(&error))),
            Err(fault) => return Err(self.broken_off(&fault.to_string())),
        };
        let Written { batch, mut fates } = written;
        let mut rejects = batch.rejects;
        for item in batch.items {
            match fates.pop_front() {
                Some(Fate::Made) => self.report.made += 1,
                Some(Fate::Already) => self.report.already += 1,
                Some(Fate::Taken(reason) | Fate::Refused(reason)) => rejects.push(Reject::of_row(item.row, reason)),
                None => rejects.push(Reject::of_row(item.row, "nothing was said of it; import it again".to_owned())),
            }
        }
        rejects.sort_by_key(|reject| reject.line);
        for reject in &rejects {
            self.report.refuse(reject.line, &reject.reason);
            if !self.plan.is_trial {
                self.plan.rejects.write(reject)?;
            }
        }
        for (what, count) in batch.left_out {
            *self.report.left_out.entry(what).or_default() += count;
        }
        self.report.line = self.report.line.max(batch.line);
        self.report.broken |= batch.broken;
        self.progress.show(SystemClock.now(), self.report.rows(), batch.taken);
        Ok(())
    }

    fn broken_off(&mut self, why: &str) -> Failure {
        self.progress.end();
        let report = &self.report;
        let (line, made, already) = (report.line, report.made, report.already);
        // What was refused so far is worth having even now.
        let _ = self.plan.rejects.finish();
        Failure::broken(format!(
            "broken off after line {line} ({made} made, {already} already there): {why}; run it again to go on"
        ))
    }

    fn finish(mut self, stopped: Option<u8>) -> Result<ExitCode, Failure> {
        self.progress.end();
        let took = self.progress.took(SystemClock.now());
        let rejects = self.plan.rejects.finish()?;
        let report = &self.report;
        print!("{}", Summary { report, took, rejects, is_trial: self.plan.is_trial });
        if let Some(status) = stopped {
            println!("stopped after line {}; run it again to go on", report.line);
            return Ok(ExitCode::from(status));
        }
        if report.broken {
            eprintln!("waypost: the source broke off after line {}; what came before it was imported", report.line);
            return Ok(ExitCode::from(3));
        }
        Ok(ExitCode::from(u8::from(report.refused > 0)))
    }
}

/// Writes a batch, drawing other slugs for rows that have none where a stranger has the first.
async fn settle<T: Sink>(
    sink: &T,
    mut batch: Batch<T::Ready>,
    is_trial: bool,
) -> Result<(Batch<T::Ready>, VecDeque<Fate>), Error> {
    let mut fates = patiently(sink, &batch.items, is_trial).await?;
    for at in 0..batch.items.len() {
        while let Some(drawn) = batch.items[at].drawn
            && drawn < DRAWS
            && matches!(fates.get(at), Some(Fate::Taken(_)))
        {
            let Ok(again) = batch::item(batch.items[at].row.clone(), sink, Some(drawn)) else {
                break;
            };
            batch.items[at] = again;
            let fate = patiently(sink, &batch.items[at..=at], is_trial).await?.pop_front();
            if let (Some(slot), Some(fate)) = (fates.get_mut(at), fate) {
                *slot = fate;
            }
        }
    }
    Ok((batch, fates))
}

/// Writes items; waits a while for a sink that is away. What was written before is met again and changes nothing.
async fn patiently<T: Sink>(sink: &T, items: &[Item<T::Ready>], is_trial: bool) -> Result<VecDeque<Fate>, Error> {
    if items.is_empty() {
        return Ok(VecDeque::new());
    }
    let mut tries = 0;
    loop {
        let done = if is_trial { sink.look(items).await } else { sink.write(items).await };
        match done {
            Err(error) if error.is_retryable() && error.kind() != Kind::Internal && tries + 1 < TRIES => {
                tries += 1;
                let wait = error.retry_after().unwrap_or_default().max(Duration::from_millis(500 << tries));
                tracing::warn!(error = ?error, wait = ?wait, "the store is away; trying again");
                SystemClock.sleep_until(SystemClock.now() + wait).await;
            }
            done => return done,
        }
    }
}
