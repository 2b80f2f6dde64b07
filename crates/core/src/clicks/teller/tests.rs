//! The teller, step by step.

use std::sync::Mutex;

use futures_util::FutureExt as _;

use super::super::{Admission, Appended, Click, ClickAnchor, Counts, Stats, StatsQuery, Take};
use super::*;
use crate::clock::ManualClock;
use crate::entropy::SeededEntropy;
use crate::ids::{LinkId, WorkspaceId};

/// Answers calls as it is told, and keeps what they asked for.
#[derive(Debug, Default)]
struct Script {
    answers: Mutex<Vec<(Vec<Owed>, Option<Timestamp>)>>,
    asked: Mutex<Vec<(Timestamp, Duration, usize)>>,
    events: Mutex<Vec<Event>>,
}

#[async_trait]
impl ClickStore for Script {
    async fn append(&self, _: &[Click]) -> Result<Appended> {
        Ok(Appended::default())
    }

    async fn tell(&self, telling: Telling<'_>) -> Result<Told> {
        self.asked.lock().unwrap().push((telling.now, telling.every, telling.limit));
        let mut answers = self.answers.lock().unwrap();
        let (owed, next) = if answers.is_empty() { (Vec::new(), None) } else { answers.remove(0) };
        self.events.lock().unwrap().extend((telling.events)(&owed));
        Ok(Told { links: owed.len(), next })
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

fn owed(n: u8) -> Owed {
    let clicks = Counts { human: 2, bot: 1, duplicate: 0 };
    let total = Counts { human: 10, bot: 1, duplicate: 3 };
    Owed { workspace: WorkspaceId::from_bytes([9; 16]), link: LinkId::from_bytes([n; 16]), clicks, total }
}

fn millis(count: i64) -> Timestamp {
    Timestamp::from_millisecond(1_000_000_000 + count).unwrap()
}

fn rig(answers: Vec<(Vec<Owed>, Option<Timestamp>)>) -> (Teller, Arc<Script>, Arc<Notify>) {
    let store = Arc::new(Script { answers: Mutex::new(answers), ..Script::default() });
    let counted = Arc::new(Notify::new());
    let (clock, entropy) = (Arc::new(ManualClock::new(millis(0))), Arc::new(SeededEntropy::new(1)));
    let options = TellerOptions { batch: 2, ..TellerOptions::default() };
    (Teller::new(store.clone(), clock, entropy, counted.clone(), options), store, counted)
}

#[tokio::test]
async fn an_event_says_what_was_counted_since_and_in_all() {
    let (mut teller, store, _) = rig(vec![(vec![owed(1), owed(2)], None)]);
    teller.step(millis(0)).await.unwrap();
    let events = store.events.lock().unwrap();
    assert_eq!(events.len(), 2);
    assert_ne!(events[0].id, events[1].id);
    assert_eq!((events[0].kind.as_str(), events[0].created_at), ("link.clicked", millis(0)));
    assert_eq!(events[0].subject, Some(owed(1).link.to_string()));
    let data: v1::Clicked = serde_json::from_str(events[0].data.as_str()).unwrap();
    assert_eq!(data.link.id, owed(1).link.to_string());
    assert_eq!((data.clicks, data.total), (owed(1).clicks.into(), owed(1).total.into()));
}

#[tokio::test]
async fn it_comes_back_when_a_link_is_due_and_in_any_case_soon() {
    let soon = Some(millis(40));
    let late = Some(millis(10_000));
    let (mut teller, _, _) = rig(vec![
        (Vec::new(), None),
        (vec![owed(1)], soon),
        (Vec::new(), late),
        (vec![owed(1), owed(2)], Some(millis(0))),
        (Vec::new(), Some(millis(0))),
    ]);
    let poll = Next::At(millis(250));
    for expected in [poll, Next::At(millis(40)), poll, Next::Now, poll] {
        assert_eq!(teller.step(millis(0)).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn a_count_wakes_it_even_one_that_came_while_it_worked() {
    let (mut teller, _, counted) = rig(Vec::new());
    assert_eq!(teller.woken().now_or_never(), None);
    counted.notify_one();
    teller.step(millis(0)).await.unwrap();
    assert_eq!(teller.woken().now_or_never(), Some(()));
}

#[tokio::test]
async fn at_its_end_it_tells_all_without_a_wait() {
    let more = Some(millis(0));
    let (mut teller, store, _) =
        rig(vec![(vec![owed(1), owed(2)], more), (vec![owed(3)], None), (vec![owed(4)], None)]);
    teller.finish().await.unwrap();
    assert_eq!(*store.asked.lock().unwrap(), [(millis(0), Duration::ZERO, 2); 2]);
    assert_eq!(store.events.lock().unwrap().len(), 3);
}
