//! The drain, step by step.

use bytes::Bytes;
use futures_util::FutureExt as _;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::super::{
    Admission, Appended, ClickAnchor, HitRef, SpoolMark, Spooled, Stats, StatsQuery, Take, Telling, Told, Visitor,
};
use super::*;
use crate::clock::ManualClock;
use crate::entropy::SeededEntropy;
use crate::error::{Error, Kind};
use crate::ids::{LinkId, WorkspaceId};

fn click(at: usize) -> ClickId {
    ClickId::new(Timestamp::UNIX_EPOCH, 1, at as u64)
}

#[test]
fn the_inflow_is_what_came_in_whatever_was_released() {
    let at = |millis| Timestamp::from_millisecond(millis).unwrap();
    let mut inflow = Inflow::default();
    inflow.look(1_000, at(0));
    inflow.look(3_000, at(1_000));
    assert_eq!(inflow.rate, 2_000.0);
    inflow.released(500, at(1_001));
    inflow.look(500, at(1_002));
    assert_eq!(inflow.rate, 2_000.0, "too short a look");
    inflow.look(1_500, at(2_001));
    assert_eq!(inflow.rate, 1_000.0);
}

fn hit(second: i64, agent: &'static str) -> Hit {
    let entropy = SeededEntropy::new(1);
    Hit {
        link: LinkId::fresh(Timestamp::UNIX_EPOCH, &entropy),
        workspace: WorkspaceId::fresh(Timestamp::UNIX_EPOCH, &entropy),
        at: Timestamp::from_second(1_000_000 + second).unwrap(),
        address: [127, 0, 0, 1].into(),
        user_agent: Bytes::from_static(agent.as_bytes()),
        referrer: Bytes::new(),
    }
}

#[test]
fn the_same_visitor_again_within_a_short_time_is_a_repeat() {
    let mut repeats = Repeats::new(Duration::from_secs(10));
    let seen: Vec<_> = [(0, "a"), (1, "a"), (2, "b"), (12, "a"), (60, "a"), (61, "b")]
        .into_iter()
        .enumerate()
        .map(|(at, (second, agent))| repeats.seen(click(at), &hit(second, agent)))
        .collect();
    assert_eq!(seen, [false, true, false, true, false, false]);
    assert!(!repeats.seen(click(5), &hit(61, "b")), "the same click once more");
}

/// A spool of hits in memory, whose depth the test sets.
#[derive(Debug, Default)]
struct Hits {
    waiting: Mutex<Vec<(ClickId, Hit)>>,
    depth: AtomicU64,
}

#[async_trait]
impl ClickSpool for Hits {
    fn append(&self, _: &HitRef<'_>) -> Result<()> {
        Ok(())
    }

    async fn read(&self, limit: usize) -> Result<Spooled> {
        let hits = self.waiting.lock().unwrap().iter().take(limit).cloned().collect::<Vec<_>>();
        let mark = SpoolMark(vec![(0, hits.len() as u64)]);
        Ok(Spooled { hits, mark })
    }

    async fn release(&self, mark: SpoolMark) -> Result<()> {
        self.waiting.lock().unwrap().drain(..mark.0[0].1 as usize);
        Ok(())
    }

    fn depth(&self) -> u64 {
        self.depth.load(Ordering::SeqCst)
    }
}

/// Keeps what it is given, unless it is away. A round takes it ten milliseconds, in which `inflow` bytes come in.
#[derive(Debug)]
struct Counted {
    kept: Mutex<Vec<Click>>,
    away: AtomicBool,
    clock: ManualClock,
    spool: Arc<Hits>,
    inflow: AtomicU64,
}

#[async_trait]
impl ClickStore for Counted {
    async fn append(&self, clicks: &[Click]) -> Result<Appended> {
        self.clock.advance(Duration::from_millis(10));
        self.spool.depth.fetch_add(self.inflow.load(Ordering::SeqCst), Ordering::SeqCst);
        if self.away.load(Ordering::SeqCst) {
            return Err(Error::new(Kind::Unavailable, "away"));
        }
        self.kept.lock().unwrap().extend_from_slice(clicks);
        Ok(Appended { counted: clicks.len(), repeated: 0 })
    }

    async fn tell(&self, _: Telling<'_>) -> Result<Told> {
        Ok(Told::default())
    }

    async fn admit(&self, _: LinkId, _: Take) -> Result<Admission> {
        Ok(Admission::Gone)
    }

    async fn stats(&self, _: &StatsQuery) -> Result<Stats> {
        Ok(Stats::default())
    }

    async fn list(&self, _: WorkspaceId, _: Option<ClickAnchor>, _: usize) -> Result<Vec<Click>> {
        Ok(Vec::new())
    }

    async fn forget(&self, _: Timestamp, _: usize) -> Result<usize> {
        Ok(0)
    }
}

#[derive(Debug)]
struct Anyone;

impl Describe for Anyone {
    fn describe(&self, _: &Hit) -> Visitor {
        Visitor::default()
    }
}

fn rig(hits: usize) -> (Drain, Arc<Counted>, ManualClock) {
    let clock = ManualClock::new(Timestamp::from_second(1_000_000).unwrap());
    let spool = Arc::new(Hits::default());
    spool.waiting.lock().unwrap().extend((0..hits).map(|at| (click(at), hit(0, "a"))));
    let store = Arc::new(Counted {
        kept: Mutex::default(),
        away: AtomicBool::new(false),
        clock: clock.clone(),
        spool: spool.clone(),
        inflow: AtomicU64::new(0),
    });
    let options = DrainOptions { batch: 2, ..DrainOptions::default() };
    let counted = Arc::new(Notify::new());
    let drain = Drain::new(spool, store.clone(), Arc::new(Anyone), Arc::new(clock.clone()), counted, options);
    (drain, store, clock)
}

#[tokio::test]
async fn a_round_that_failed_makes_no_repeats_of_its_own_clicks() {
    let (mut drain, store, clock) = rig(1);
    store.away.store(true, Ordering::SeqCst);
    assert!(drain.step(clock.now()).await.is_err());
    store.away.store(false, Ordering::SeqCst);
    let counted = drain.counted.clone();
    assert_eq!(counted.notified().now_or_never(), None, "nothing was counted");
    drain.step(clock.now()).await.unwrap();
    assert_eq!(counted.notified().now_or_never(), Some(()));
    let classes: Vec<_> = store.kept.lock().unwrap().iter().map(|click| click.class).collect();
    assert_eq!(classes, [Class::Human]);
}

#[tokio::test]
async fn a_backlog_is_worked_off_at_once_and_under_load_the_drain_rests() {
    let (mut drain, store, clock) = rig(10);
    assert_eq!(drain.step(clock.now()).await.unwrap(), Next::Now, "nobody is in a hurry");
    // 100 kB in ten milliseconds are ten times what counts as busy.
    store.inflow.store(100_000, Ordering::SeqCst);
    let Next::Rest(until) = drain.step(clock.now()).await.unwrap() else { panic!("no rest under load") };
    assert_eq!(until, clock.now() + Duration::from_millis(90), "nine times what the round took");
    store.spool.depth.store(1 << 30, Ordering::SeqCst);
    assert_eq!(drain.step(clock.now()).await.unwrap(), Next::Now, "a spool that fills is urgent");
}
