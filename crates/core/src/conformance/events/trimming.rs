//! Clauses 4, 5 and 7: a log that forgets.
//!
//! The events are made a second apart, from second 1 on, and in that order.

use super::groups::{acked, consumed, given};
use super::{Bus, events_of, everything, published, read_on, some};
use crate::conformance::fixtures::{at, event};
use crate::events::{Acked, EventFilter, Position, Read};

async fn trimmed(bus: &Bus, before: i64, limit: usize) -> usize {
    bus.trim(at(before), limit).await.expect("a number")
}

/// Clause 7: what is older than the moment, the moment itself excluded.
pub async fn trim_forgets_the_oldest(bus: Bus) {
    let events = some(10);
    let positions = published(&bus, &events).await;
    assert_eq!(trimmed(&bus, 5, 100).await, 4);
    let bounds = bus.bounds().await.expect("bounds");
    assert!(positions[3] <= bounds.start && bounds.start < positions[4], "just before the oldest event kept");
    assert_eq!(bounds.end, positions[9]);
    let logged = everything(&bus).await;
    assert_eq!(events_of(&logged), events[4..]);
    assert_eq!(logged[0].position, positions[4], "positions stay");
    assert_eq!(trimmed(&bus, 5, 100).await, 0);
}

/// Clause 7: wherever it stands.
pub async fn trim_keeps_what_is_younger(bus: Bus) {
    let events = [event(10, "a"), event(50, "b"), event(20, "c"), event(60, "d")];
    published(&bus, &events).await;
    trimmed(&bus, 30, 100).await;
    let kept = events_of(&everything(&bus).await);
    assert!(kept.contains(&events[1]) && kept.contains(&events[3]), "{kept:?}");
    assert!(!kept.contains(&events[0]));
}

/// Clause 7.
pub async fn trim_keeps_to_its_limit(bus: Bus) {
    let events = some(10);
    published(&bus, &events).await;
    assert_eq!([trimmed(&bus, 6, 3).await, trimmed(&bus, 6, 3).await, trimmed(&bus, 6, 3).await], [3, 2, 0]);
    assert_eq!(events_of(&everything(&bus).await), events[5..]);
}

/// Clause 4: silence would hide a gap.
pub async fn a_position_before_what_is_kept_is_reset(bus: Bus) {
    let start = bus.bounds().await.expect("bounds").start;
    let positions = published(&bus, &some(10)).await;
    trimmed(&bus, 6, 100).await;
    let expected = Read::Reset(bus.bounds().await.expect("bounds"));
    for after in [start, positions[0], positions[3]] {
        let read = bus.read(after, &EventFilter::default(), 10).await.expect("a read");
        assert_eq!(read, expected, "{after:?}");
    }
}

/// Clause 4: whoever has seen the last event that was forgotten has missed nothing.
pub async fn the_position_just_before_what_is_kept_is_good(bus: Bus) {
    let events = some(10);
    let positions = published(&bus, &events).await;
    trimmed(&bus, 6, 100).await;
    for after in [bus.bounds().await.expect("bounds").start, positions[4]] {
        let (read, next) = read_on(&bus, after, &EventFilter::default(), 3).await;
        assert_eq!((events_of(&read), next), (events[5..].to_vec(), positions[9]));
    }
}

/// Clauses 1 and 7: positions grow on, and none is given twice.
pub async fn a_log_that_was_trimmed_to_nothing_goes_on(bus: Bus) {
    let positions = published(&bus, &some(5)).await;
    assert_eq!(trimmed(&bus, 1_000, 100).await, 5);
    let bounds = bus.bounds().await.expect("bounds");
    assert_eq!(bounds.start, bounds.end);
    assert!(bounds.end >= positions[4]);
    let at_the_end = read_on(&bus, positions[4], &EventFilter::default(), 10).await;
    assert_eq!(at_the_end.0, [], "whoever was at the end still is");
    let next: Vec<Position> = published(&bus, &[event(9, "lnk_a")]).await;
    assert!(next[0] > positions[4]);
    assert_eq!(events_of(&read_on(&bus, positions[4], &EventFilter::default(), 10).await.0), [event(9, "lnk_a")]);
}

/// Clause 5: once, with the batch after the gap.
pub async fn a_group_is_told_of_a_gap(bus: Bus) {
    let events = some(10);
    published(&bus, &events).await;
    let first = given(&bus, "group", 2, 0).await;
    assert_eq!(acked(&bus, "group", &first).await, Acked::Moved);
    trimmed(&bus, 6, 100).await;
    let second = given(&bus, "group", 2, 0).await;
    assert_eq!((events_of(&second.events), second.gap), (events[5..7].to_vec(), true));
    assert_eq!(acked(&bus, "group", &second).await, Acked::Moved);
    let third = given(&bus, "group", 10, 0).await;
    assert_eq!((events_of(&third.events), third.gap), (events[7..].to_vec(), false));
}

/// Clause 5: a group that had read what was forgotten, and one that is first seen after it.
pub async fn a_group_that_missed_nothing_is_told_of_no_gap(bus: Bus) {
    let events = some(10);
    published(&bus, &events).await;
    let first = given(&bus, "group", 5, 0).await;
    assert_eq!(acked(&bus, "group", &first).await, Acked::Moved);
    trimmed(&bus, 6, 100).await;
    for group in ["group", "new"] {
        let batch = given(&bus, group, 10, 0).await;
        assert_eq!((events_of(&batch.events), batch.gap), (events[5..].to_vec(), false), "{group}");
        assert_eq!(acked(&bus, group, &batch).await, Acked::Moved);
        assert_eq!(consumed(&bus, group, 10, 0).await, None);
    }
}
