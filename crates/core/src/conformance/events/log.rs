//! Clauses 1 to 4: what is appended, what is read, and what a position means.

use super::{Bus, events_of, everything, published, read_on, some};
use crate::conformance::fixtures::{event, workspace};
use crate::events::{Epoch, Event, EventFilter, EventType, Position, Read};

/// Clauses 1 and 3: no field is lost on the way.
pub async fn events_are_read_as_they_were_published(bus: Bus) {
    let full = event(1, "lnk_a");
    let bare = Event { subject: None, traceparent: None, version: 7, ..event(2, "") };
    published(&bus, &[full.clone(), bare.clone()]).await;
    assert_eq!(events_of(&everything(&bus).await), [full, bare]);
}

/// Clause 1: within a publish and from one to the next, and as they are read.
pub async fn positions_grow_in_the_order_given(bus: Bus) {
    let events: Vec<_> = some(9).into_iter().rev().collect();
    let mut positions = Vec::new();
    for batch in events.chunks(4) {
        positions.extend(published(&bus, batch).await);
    }
    assert!(positions.is_sorted_by(|one, next| one < next), "{positions:?}");
    assert!(positions.iter().all(|position| position.epoch == positions[0].epoch && position.offset > 0));
    let logged = everything(&bus).await;
    assert_eq!(logged.iter().map(|logged| logged.position).collect::<Vec<_>>(), positions);
    assert_eq!(events_of(&logged), events);
    assert_eq!(bus.bounds().await.expect("bounds").end, positions[8]);
}

/// Clause 2.
pub async fn an_event_id_is_appended_once(bus: Bus) {
    let events = some(5);
    let first = published(&bus, &events).await;
    let changed = Event { version: 9, ..events[2].clone() };
    assert_eq!(published(&bus, &events).await, first);
    assert_eq!(published(&bus, &[changed]).await, [first[2]], "the id decides, not what comes with it");
    assert_eq!(events_of(&everything(&bus).await), events);
}

/// Clause 2: also within one publish.
pub async fn a_repeated_id_among_new_ones_is_answered_in_its_place(bus: Bus) {
    let events = some(4);
    let old = published(&bus, &events[1..2]).await;
    let batch = [&events[0], &events[1], &events[2], &events[0], &events[3]].map(Event::clone);
    let positions = published(&bus, &batch).await;
    assert_eq!((positions[1], positions[3]), (old[0], positions[0]));
    assert!(old[0] < positions[0] && positions[0] < positions[2] && positions[2] < positions[4]);
    let expected = [&events[1], &events[0], &events[2], &events[3]].map(Event::clone);
    assert_eq!(events_of(&everything(&bus).await), expected);
}

/// Clause 3.
pub async fn read_goes_on_strictly_after(bus: Bus) {
    let events = some(5);
    let positions = published(&bus, &events).await;
    for (at, position) in positions.iter().enumerate() {
        let (rest, next) = read_on(&bus, *position, &EventFilter::default(), 2).await;
        assert_eq!(events_of(&rest), events[at + 1..]);
        assert_eq!(next, positions[4], "up to the end");
    }
}

/// Clause 3: and says that there is more.
pub async fn read_keeps_to_its_limit(bus: Bus) {
    let events = some(5);
    let positions = published(&bus, &events).await;
    let start = bus.bounds().await.expect("bounds").start;
    match bus.read(start, &EventFilter::default(), 3).await.expect("a read") {
        Read::Events { events: read, next, more } => {
            assert_eq!((events_of(&read), next, more), (events[..3].to_vec(), positions[2], true));
        }
        Read::Reset(bounds) => panic!("reset to {bounds:?}"),
    }
}

/// Clause 3: as [`EventFilter::admits`] says, in pages of any size.
pub async fn read_agrees_with_its_filter(bus: Bus) {
    let kinds = ["link.created", "link.updated", "link.clicked"].map(|kind| EventType::parse(kind).expect("a type"));
    let subjects = [Some("lnk_a"), Some("lnk_A"), Some("lnk_a%"), None];
    let events: Vec<_> = (1..=48)
        .map(|n: u64| Event {
            kind: kinds[n as usize % 3].clone(),
            workspace: workspace(n % 2),
            subject: subjects[n as usize % 4].map(str::to_owned),
            ..event(n, "")
        })
        .collect();
    published(&bus, &events).await;
    let start = bus.bounds().await.expect("bounds").start;
    for workspace in [None, Some(workspace(0)), Some(workspace(1)), Some(workspace(2))] {
        for types in [vec![], vec![kinds[0].clone()], vec![kinds[2].clone(), kinds[1].clone()]] {
            for subject in [None, Some("lnk_a"), Some("lnk_a%"), Some("lnk_"), Some("")] {
                let filter = EventFilter { workspace, types: types.clone(), subject: subject.map(str::to_owned) };
                let expected: Vec<_> = events.iter().filter(|event| filter.admits(event)).cloned().collect();
                for limit in [1, 5, 100] {
                    let (read, _) = read_on(&bus, start, &filter, limit).await;
                    assert_eq!(events_of(&read), expected, "{filter:?} by {limit}");
                }
            }
        }
    }
}

/// Clause 3: a feed of a quiet workspace does not look at the same events again and again.
pub async fn a_filter_that_admits_nothing_still_moves_on(bus: Bus) {
    let positions = published(&bus, &some(20)).await;
    let start = bus.bounds().await.expect("bounds").start;
    let nobodys = EventFilter { workspace: Some(workspace(9)), ..EventFilter::default() };
    assert_eq!(read_on(&bus, start, &nobodys, 3).await, (Vec::new(), positions[19]));
}

/// Clauses 3 and 4: nothing there is not the same as a reset.
pub async fn an_empty_log_reads_as_empty(bus: Bus) {
    let bounds = bus.bounds().await.expect("bounds");
    assert_eq!(bounds.start, bounds.end);
    assert_eq!(read_on(&bus, bounds.start, &EventFilter::default(), 10).await, (Vec::new(), bounds.end));
    assert_eq!(published(&bus, &[]).await, []);
    let end = published(&bus, &some(1)).await[0];
    assert_eq!(read_on(&bus, end, &EventFilter::default(), 10).await, (Vec::new(), end));
}

async fn assert_reset(bus: &Bus, after: Position) {
    let expected = Read::Reset(bus.bounds().await.expect("bounds"));
    assert_eq!(bus.read(after, &EventFilter::default(), 10).await.expect("a read"), expected, "{after:?}");
}

/// Clause 4: whether its offset exists here or not.
pub async fn a_position_of_another_epoch_is_reset(bus: Bus) {
    let end = *published(&bus, &some(3)).await.last().expect("three");
    let epoch = Epoch(end.epoch.0.wrapping_add(1));
    for offset in [0, 1, end.offset, end.offset + 9] {
        assert_reset(&bus, Position { epoch, offset }).await;
    }
}

/// Clause 4.
pub async fn a_position_beyond_the_end_is_reset(bus: Bus) {
    let empty = bus.bounds().await.expect("bounds").end;
    assert_reset(&bus, Position { offset: empty.offset + 1, ..empty }).await;
    let end = *published(&bus, &some(3)).await.last().expect("three");
    assert_reset(&bus, Position { offset: end.offset + 1, ..end }).await;
    assert_reset(&bus, Position { offset: end.offset + 1_000_000, ..end }).await;
}
