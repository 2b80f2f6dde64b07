//! Clauses 1, 2 and 6, while events come in.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::{Bus, everything, published, some};
use crate::conformance::fixtures::{event, seconds};
use crate::conformance::race;
use crate::conformance::wakes;
use crate::events::{EventFilter, Position, Read};

const PUBLISHERS: u64 = 6;
const EACH: u64 = 40;

/// Follows the log from its beginning until everything was seen.
async fn follow(bus: Bus, limit: usize) -> Vec<super::Logged> {
    let mut after = bus.bounds().await.expect("bounds").start;
    let mut seen = Vec::new();
    while seen.len() < (PUBLISHERS * EACH) as usize {
        match bus.read(after, &EventFilter::default(), limit).await.expect("a read") {
            Read::Events { events, next, more } => {
                let idle = events.is_empty() && !more;
                seen.extend(events);
                after = next;
                if idle {
                    // A hint that may fail to come: bounded in time, as the contract asks of every caller.
                    let _ = tokio::time::timeout(Duration::from_millis(50), bus.wait(after)).await;
                }
            }
            Read::Reset(bounds) => panic!("{after:?} was reset to {bounds:?}"),
        }
    }
    seen
}

/// Clause 1: no event becomes visible before one that a reader has passed.
pub async fn readers_miss_nothing_while_many_publish(bus: Bus) {
    let readers: Vec<_> = [1, 3, 50].map(|limit| tokio::spawn(follow(Arc::clone(&bus), limit))).into();
    let publishers = (0..PUBLISHERS).map(|publisher| {
        let bus = Arc::clone(&bus);
        async move {
            let events: Vec<_> = (0..EACH).map(|n| event(publisher * EACH + n + 1, &format!("p{publisher}"))).collect();
            for batch in events.chunks(1 + publisher as usize) {
                published(&bus, batch).await;
                tokio::task::yield_now().await;
            }
        }
    });
    race(publishers).await;
    let all = everything(&bus).await;
    assert_eq!(all.iter().map(|logged| logged.event.id).collect::<BTreeSet<_>>().len(), (PUBLISHERS * EACH) as usize);
    let seen = tokio::time::timeout(seconds(30), join_all(readers)).await.expect("every reader gets to the end");
    for seen in seen {
        assert!(seen.expect("no panic") == all, "a reader saw another log than the one that is kept");
    }
    for publisher in 0..PUBLISHERS {
        let own: Vec<_> = all.iter().filter(|logged| logged.event.subject == Some(format!("p{publisher}"))).collect();
        assert!(own.is_sorted_by(|one, next| one.event.id < next.event.id), "in the order in which it published");
    }
}

/// Clause 2: in a race, as when a publish that timed out is made again.
pub async fn of_many_who_publish_one_id_all_are_given_one_position(bus: Bus) {
    let events = some(12);
    let publishers = (0..10).map(|_| {
        let (bus, events) = (Arc::clone(&bus), events.clone());
        async move { published(&bus, &events).await }
    });
    let answers: BTreeSet<Vec<Position>> = race(publishers).await.into_iter().collect();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(everything(&bus).await.len(), 12);
}

/// Clause 6.
pub async fn wait_returns_after_a_publish(bus: Bus) {
    let end = published(&bus, &some(3)).await[2];
    let waiter = Arc::clone(&bus);
    let wait = async move { waiter.wait(end).await.expect("a wait") };
    wakes(wait, async |n| {
        published(&bus, &[event(100 + n, "lnk_a")]).await;
    })
    .await;
}

/// Clause 6: what is there already is waited for by nobody.
pub async fn wait_returns_at_once_where_there_is_more(bus: Bus) {
    let start = bus.bounds().await.expect("bounds").start;
    let positions = published(&bus, &some(3)).await;
    for after in [start, positions[0], positions[1]] {
        tokio::time::timeout(seconds(10), bus.wait(after)).await.expect("returns").expect("a wait");
    }
}
