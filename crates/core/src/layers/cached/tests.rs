//! What is believed, on look-ups that are made up.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::sync::Notify;

use super::believed::Believed;
use crate::clock::{Clock, ManualClock};
use crate::error::{Error, Kind, Result};

const SECOND: Duration = Duration::from_secs(1);

struct Bench {
    believed: Believed<u32, u32>,
    clock: ManualClock,
    /// How often it was looked.
    looks: AtomicU32,
}

fn bench() -> Bench {
    let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
    let timing: Arc<dyn Clock> = Arc::new(clock.clone());
    Bench { believed: Believed::new(&timing, SECOND, 100), clock, looks: AtomicU32::new(0) }
}

impl Bench {
    /// The number of the look-up that is believed.
    async fn ask(&self, key: u32) -> u32 {
        self.believed.look_up(&key, |_| true, async { Ok(self.look()) }).await.expect("a number")
    }

    /// The same by a look-up that goes on when it is told to.
    async fn ask_slowly(&self, key: u32, go_on: &Notify) -> u32 {
        let look = async {
            let number = self.look();
            go_on.notified().await;
            Ok(number)
        };
        self.believed.look_up(&key, |_| true, look).await.expect("a number")
    }

    fn look(&self) -> u32 {
        self.looks.fetch_add(1, Ordering::SeqCst) + 1
    }
}

#[tokio::test]
async fn an_answer_is_believed_for_its_time_and_by_its_name() {
    let bench = bench();
    assert_eq!((bench.ask(1).await, bench.ask(1).await, bench.ask(2).await), (1, 1, 2));
    bench.clock.advance(SECOND - Duration::from_millis(1));
    assert_eq!((bench.ask(1).await, bench.ask(2).await), (1, 2));
    bench.clock.advance(Duration::from_millis(1));
    assert_eq!((bench.ask(1).await, bench.ask(1).await), (3, 3));
}

#[tokio::test]
async fn of_those_who_ask_at_once_one_looks() {
    let (bench, go_on) = (bench(), Notify::new());
    let asking = join_all((0..50).map(|_| bench.ask_slowly(1, &go_on)));
    let goes_on = async { go_on.notify_one() };
    let (answers, ()) = tokio::join!(asking, goes_on);
    assert_eq!(answers, [1; 50]);
    assert_eq!(bench.looks.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn who_waited_long_enough_looks_on_their_own() {
    let (bench, go_on, never) = (bench(), Notify::new(), Notify::new());
    let mut first = Box::pin(bench.ask_slowly(1, &never));
    assert!(futures_util::poll!(&mut first).is_pending());
    go_on.notify_one();
    let (second, ()) = tokio::join!(bench.ask_slowly(1, &go_on), async {
        bench.clock.advance(Duration::from_millis(100));
    });
    assert_eq!(second, 2);
    never.notify_one();
    assert_eq!((first.await, bench.ask(1).await), (1, 1));
}

#[tokio::test]
async fn who_gives_up_leaves_the_look_up_to_the_next() {
    let (bench, never) = (bench(), Notify::new());
    let mut first = Box::pin(bench.ask_slowly(1, &never));
    assert!(futures_util::poll!(&mut first).is_pending());
    let mut second = Box::pin(bench.ask(1));
    assert!(futures_util::poll!(&mut second).is_pending());
    drop(first);
    assert_eq!(second.await, 2);
}

#[tokio::test]
async fn what_is_forgotten_during_a_look_up_is_not_kept() {
    let (bench, go_on) = (bench(), Notify::new());
    for forget in [Believed::doubt_all, |believed: &Believed<u32, u32>| believed.forget(&1)] {
        let before = bench.looks.load(Ordering::SeqCst);
        let forgets = async {
            forget(&bench.believed);
            go_on.notify_one();
        };
        let (answer, ()) = tokio::join!(bench.ask_slowly(1, &go_on), forgets);
        assert_eq!(answer, before + 1, "as of when it was asked");
        assert_eq!(bench.ask(1).await, before + 2);
        bench.believed.forget(&1);
    }
}

#[tokio::test]
async fn one_that_is_forgotten_leaves_the_others() {
    let bench = bench();
    assert_eq!((bench.ask(1).await, bench.ask(2).await), (1, 2));
    bench.believed.forget(&1);
    assert_eq!((bench.ask(1).await, bench.ask(2).await), (3, 2));
    bench.believed.doubt_all();
    assert_eq!((bench.ask(1).await, bench.ask(2).await), (4, 5));
}

#[tokio::test]
async fn failures_and_what_is_not_to_be_kept_are_asked_anew() {
    let bench = bench();
    let away = || async { Err(Error::new(Kind::Unavailable, "away")) };
    let failed: Result<u32> = bench.believed.look_up(&1, |_| true, away()).await;
    assert!(failed.is_err());
    for n in 1..=3 {
        let odd = bench.believed.look_up(&1, |number| number % 2 == 0, async { Ok(bench.look()) });
        assert_eq!(odd.await.expect("a number"), n.min(2), "the second is kept");
    }
}

#[tokio::test]
async fn what_is_known_can_be_amended_and_what_is_not_stays_unknown() {
    let bench = bench();
    bench.believed.amend(&1, |number| *number += 10);
    assert_eq!(bench.ask(1).await, 1);
    bench.believed.amend(&1, |number| *number += 10);
    assert_eq!(bench.ask(1).await, 11);
}

#[tokio::test]
async fn no_more_are_remembered_than_were_allowed() {
    let bench = bench();
    for key in 0..10_000 {
        bench.ask(key).await;
    }
    let before = bench.looks.load(Ordering::SeqCst);
    for key in 0..10_000 {
        bench.ask(key).await;
    }
    let known = 10_000 - (bench.looks.load(Ordering::SeqCst) - before);
    assert!(known <= 100, "{known}");
}

/// A clock that can be set back, as that of a machine can.
#[derive(Debug)]
struct Settable(Mutex<Timestamp>);

impl Clock for Settable {
    fn now(&self) -> Timestamp {
        *self.0.lock().expect("no panic")
    }

    fn sleep_until(&self, _: Timestamp) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn a_clock_that_is_set_back_prolongs_nothing() {
    let clock = Arc::new(Settable(Mutex::new(Timestamp::UNIX_EPOCH + 100 * SECOND)));
    let timing: Arc<dyn Clock> = clock.clone();
    let believed = Believed::new(&timing, SECOND, 100);
    assert_eq!(believed.look_up(&1, |_| true, async { Ok(1) }).await.expect("a number"), 1);
    *clock.0.lock().expect("no panic") = Timestamp::UNIX_EPOCH;
    assert_eq!(believed.look_up(&1, |_| true, async { Ok(2) }).await.expect("a number"), 2);
}
