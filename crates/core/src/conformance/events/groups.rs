//! Clause 5: consumer groups.

use std::sync::Arc;
use std::time::Duration;

use super::{Bus, events_of, published, some};
use crate::conformance::fixtures::{at, event, just_before, seconds};
use crate::conformance::race;
use crate::events::{Acked, Batch};

const LEASE: Duration = Duration::from_secs(30);

pub(super) async fn consumed(bus: &Bus, group: &str, limit: usize, now: i64) -> Option<Batch> {
    let batch = bus.consume(group, limit, at(now), LEASE).await.expect("a batch or none");
    assert!(batch.as_ref().is_none_or(|batch| !batch.events.is_empty()), "a batch is never empty");
    batch
}

pub(super) async fn given(bus: &Bus, group: &str, limit: usize, now: i64) -> Batch {
    consumed(bus, group, limit, now).await.expect("there is a batch")
}

pub(super) async fn acked(bus: &Bus, group: &str, batch: &Batch) -> Acked {
    bus.ack(group, batch).await.expect("an outcome")
}

/// Clause 5: what was there before the group, and what comes later.
pub async fn a_group_begins_at_the_oldest_event(bus: Bus) {
    assert_eq!(consumed(&bus, "early", 10, 0).await, None);
    let events = some(4);
    let positions = published(&bus, &events).await;
    for group in ["early", "late"] {
        let batch = given(&bus, group, 10, 0).await;
        assert_eq!(events_of(&batch.events), events);
        assert_eq!(batch.events.iter().map(|logged| logged.position).collect::<Vec<_>>(), positions);
        assert!(!batch.gap);
    }
}

/// Clause 5.
pub async fn a_group_moves_on_with_each_ack(bus: Bus) {
    let events = some(5);
    published(&bus, &events).await;
    let mut seen = Vec::new();
    while let Some(batch) = consumed(&bus, "group", 2, 0).await {
        seen.extend(events_of(&batch.events));
        assert_eq!(acked(&bus, "group", &batch).await, Acked::Moved);
    }
    assert_eq!(seen, events);
    let later = event(9, "lnk_a");
    published(&bus, std::slice::from_ref(&later)).await;
    assert_eq!(events_of(&given(&bus, "group", 2, 0).await.events), [later]);
}

/// Clause 5: up to the last moment of the lease.
pub async fn a_batch_is_with_one_member_at_a_time(bus: Bus) {
    published(&bus, &some(5)).await;
    given(&bus, "group", 2, 0).await;
    assert_eq!(consumed(&bus, "group", 2, 0).await, None);
    assert_eq!(bus.consume("group", 2, just_before(at(30)), LEASE).await.expect("a batch or none"), None);
}

/// Clause 5: from the moment on at which the lease ends.
pub async fn what_is_not_acknowledged_is_given_again(bus: Bus) {
    let events = some(5);
    published(&bus, &events).await;
    let first = given(&bus, "group", 2, 0).await;
    assert_eq!(acked(&bus, "group", &first).await, Acked::Moved);
    let second = given(&bus, "group", 2, 1).await;
    let again = given(&bus, "group", 2, 31).await;
    assert_eq!(again.events, second.events, "from where the group stands, not from the beginning");
    assert_ne!(again.token, second.token);
    assert_eq!(acked(&bus, "group", &again).await, Acked::Moved);
    assert_eq!(events_of(&given(&bus, "group", 2, 32).await.events), events[4..]);
}

/// Clause 5: neither does it move the group, nor does it end the new lease.
pub async fn a_superseded_ack_changes_nothing(bus: Bus) {
    let events = some(5);
    published(&bus, &events).await;
    let old = given(&bus, "group", 4, 0).await;
    let new = given(&bus, "group", 1, 30).await;
    assert_eq!(acked(&bus, "group", &old).await, Acked::Superseded);
    assert_eq!(consumed(&bus, "group", 2, 31).await, None, "the new lease holds");
    assert_eq!(acked(&bus, "group", &new).await, Acked::Moved);
    assert_eq!(acked(&bus, "group", &old).await, Acked::Superseded);
    assert_eq!(events_of(&given(&bus, "group", 10, 32).await.events), events[1..]);
}

/// Clause 5: neither by their leases, nor by their acks.
pub async fn groups_do_not_disturb_each_other(bus: Bus) {
    let events = some(3);
    published(&bus, &events).await;
    let one = given(&bus, "one", 10, 0).await;
    let other = given(&bus, "other", 10, 0).await;
    assert_eq!(one.events, other.events);
    assert_eq!(acked(&bus, "one", &one).await, Acked::Moved);
    assert_eq!(consumed(&bus, "one", 10, 100).await, None);
    assert_eq!(given(&bus, "other", 10, 100).await.events, other.events);
    assert_eq!(acked(&bus, "nobody", &one).await, Acked::Superseded, "a group that never consumed");
}

/// Clause 5: in a race, each event is worked on once, and in order.
pub async fn members_that_race_share_the_log_between_them(bus: Bus) {
    let events = some(100);
    published(&bus, &events).await;
    let done = Arc::new(std::sync::Mutex::new(Vec::new()));
    let members = (0..6).map(|_| {
        let (bus, done) = (Arc::clone(&bus), Arc::clone(&done));
        async move {
            while done.lock().expect("no panic").len() < 100 {
                if let Some(batch) = consumed(&bus, "group", 3, 0).await {
                    done.lock().expect("no panic").extend(events_of(&batch.events));
                    assert_eq!(acked(&bus, "group", &batch).await, Acked::Moved);
                }
                tokio::task::yield_now().await;
            }
        }
    });
    tokio::time::timeout(seconds(60), race(members)).await.expect("the members get to the end");
    assert!(*done.lock().expect("no panic") == events, "each event once, in order");
}

/// Clause 5, of the limit.
pub async fn a_batch_keeps_to_its_limit(bus: Bus) {
    let events = some(5);
    published(&bus, &events).await;
    assert_eq!(events_of(&given(&bus, "group", 3, 0).await.events), events[..3]);
    assert_eq!(events_of(&given(&bus, "other", 1, 0).await.events), events[..1]);
}
