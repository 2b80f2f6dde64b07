//! The cases of [`crate::events::EventBus`].

mod following;
mod groups;
mod log;
mod trimming;

use std::sync::Arc;

use super::suite::suite;

suite! {
    /// Proves an [`crate::events::EventBus`], given in an `Arc`.
    events as __events_suite {
        log:
            events_are_read_as_they_were_published,
            positions_grow_in_the_order_given,
            an_event_id_is_appended_once,
            a_repeated_id_among_new_ones_is_answered_in_its_place,
            read_goes_on_strictly_after,
            read_keeps_to_its_limit,
            read_agrees_with_its_filter,
            a_filter_that_admits_nothing_still_moves_on,
            an_empty_log_reads_as_empty,
            a_position_of_another_epoch_is_reset,
            a_position_beyond_the_end_is_reset;
        following:
            readers_miss_nothing_while_many_publish,
            of_many_who_publish_one_id_all_are_given_one_position,
            wait_returns_after_a_publish,
            wait_returns_at_once_where_there_is_more;
        groups:
            a_group_begins_at_the_oldest_event,
            a_group_moves_on_with_each_ack,
            a_batch_is_with_one_member_at_a_time,
            what_is_not_acknowledged_is_given_again,
            a_superseded_ack_changes_nothing,
            groups_do_not_disturb_each_other,
            members_that_race_share_the_log_between_them,
            a_batch_keeps_to_its_limit;
        trimming:
            trim_forgets_the_oldest,
            trim_keeps_what_is_younger,
            trim_keeps_to_its_limit,
            a_position_before_what_is_kept_is_reset,
            the_position_just_before_what_is_kept_is_good,
            a_log_that_was_trimmed_to_nothing_goes_on,
            a_group_is_told_of_a_gap,
            a_group_that_missed_nothing_is_told_of_no_gap;
    }
}

use crate::conformance::fixtures::event;
use crate::events::{Event, EventBus, EventFilter, Logged, Position, Read};

type Bus = Arc<dyn EventBus>;

/// So many events of three subjects, made a second apart.
fn some(count: u64) -> Vec<Event> {
    (1..=count).map(|n| event(n, &format!("lnk_{}", n % 3))).collect()
}

async fn published(bus: &Bus, events: &[Event]) -> Vec<Position> {
    let positions = bus.publish(events).await.expect("published");
    assert_eq!(positions.len(), events.len(), "a position for each event");
    positions
}

/// Reads to the end from `after` on, in pages of `limit`.
async fn read_on(bus: &Bus, mut after: Position, filter: &EventFilter, limit: usize) -> (Vec<Logged>, Position) {
    let mut all = Vec::new();
    loop {
        match bus.read(after, filter, limit).await.expect("a read") {
            Read::Events { events, next, more } => {
                assert!(events.len() <= limit && next >= after);
                assert!(events.last().is_none_or(|last| last.position <= next));
                assert!(!more || next > after, "there is more, but no way on");
                all.extend(events);
                after = next;
                if !more {
                    return (all, after);
                }
            }
            Read::Reset(bounds) => panic!("{after:?} was reset to {bounds:?}"),
        }
    }
}

/// Everything that is kept.
async fn everything(bus: &Bus) -> Vec<Logged> {
    let start = bus.bounds().await.expect("bounds").start;
    read_on(bus, start, &EventFilter::default(), 100).await.0
}

fn events_of(logged: &[Logged]) -> Vec<Event> {
    logged.iter().map(|logged| logged.event.clone()).collect()
}
