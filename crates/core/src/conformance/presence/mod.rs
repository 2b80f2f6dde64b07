//! The cases of [`crate::push::presence::PresenceStore`].
//!
//! That what one node enters is seen by the others is proved here of two callers of one handle; an adapter proves it of
//! two handles beside.

mod entering;
mod finding;
mod leaving;
mod passing;
mod sweeping;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::fixtures::{at, seconds, workspace};
use super::suite::suite;
use crate::credentials::Actor;
use crate::ids::{KeyId, SessionId};
use crate::push::presence::{Place, Presence, PresenceStore, Stay};

suite! {
    /// Proves a [`crate::push::presence::PresenceStore`], given in an `Arc`.
    presence as __presence_suite {
        entering:
            who_entered_is_present_as_they_entered,
            who_enters_again_is_there_once_as_they_entered_last,
            a_session_may_be_at_many_places,
            a_batch_that_names_a_session_twice_leaves_it_as_the_last_says,
            empty_batches_do_nothing,
            a_large_batch_enters_whole,
            of_many_who_enter_at_once_all_are_present,
            of_many_who_enter_one_session_at_once_it_is_there_once;
        finding:
            where_nobody_entered_nobody_is,
            the_oldest_come_first_and_no_more_than_the_limit,
            those_that_are_over_take_nobodys_room,
            each_place_is_answered_where_it_was_asked,
            workspaces_see_nothing_of_each_other,
            subjects_are_apart_to_the_letter;
        passing:
            a_presence_is_over_at_its_moment_and_not_before,
            a_question_from_a_clock_that_is_ahead_takes_nobody_away,
            a_renewal_moves_the_end,
            a_renewal_that_comes_late_does_not_bring_the_end_forward,
            who_is_over_may_enter_again;
        leaving:
            who_left_is_gone_at_once_and_the_others_stay,
            whoever_they_were_it_is_the_session_that_leaves,
            who_leaves_one_place_stays_at_the_others,
            who_is_not_there_leaves_without_complaint,
            who_left_may_enter_again_for_a_shorter_time,
            of_many_who_leave_at_once_all_are_gone;
        sweeping:
            a_sweep_removes_what_is_over_and_nothing_else,
            a_sweep_keeps_to_its_limit,
            what_was_left_is_not_swept,
            who_was_swept_may_enter_again,
            a_sweep_that_races_with_renewals_takes_nobody_away;
    }
}

type Store = Arc<dyn PresenceStore>;

/// How long a presence lasts in most cases.
const LIVES: Duration = Duration::from_secs(30);
/// More than anybody comes to.
const ALL: usize = 10_000;

/// A place in the first workspace.
fn place(subject: &str) -> Place {
    Place::new(workspace(1), subject).expect("the cases use good subjects")
}

/// The n-th session; they sort by number.
fn session(n: u64) -> SessionId {
    SessionId::from_bytes((0x0123_4567_89AB_7000_8000_u128 << 48 | u128::from(n)).to_be_bytes())
}

/// The n-th session, since n seconds after the beginning.
fn presence(n: u64) -> Presence {
    let since = at(i64::try_from(n).expect("the cases use small numbers"));
    Presence { session: session(n), actor: Actor::Key(KeyId::from_bytes([7; 16])), since }
}

/// The n-th session at a place.
fn stay(subject: &str, n: u64) -> Stay {
    Stay { place: place(subject), presence: presence(n) }
}

async fn entered(store: &Store, stays: &[Stay], now: Timestamp) {
    store.enter(stays, now, LIVES).await.expect("entered");
}

async fn left(store: &Store, stays: &[Stay]) {
    store.leave(stays).await.expect("left");
}

/// Who is at one place.
async fn found(store: &Store, place: &Place, now: Timestamp) -> Vec<Presence> {
    let lists = store.present(std::slice::from_ref(place), now, ALL).await.expect("found");
    let [list] = <[Vec<Presence>; 1]>::try_from(lists).expect("one place, one list");
    list
}

/// The sessions at a place of the first workspace, by their numbers.
async fn numbers(store: &Store, subject: &str, now: Timestamp) -> Vec<u64> {
    let low = |session: SessionId| u128::from_be_bytes(session.to_bytes()) & 0xFFFF_FFFF;
    let found = found(store, &place(subject), now).await;
    found.iter().map(|presence| u64::try_from(low(presence.session)).expect("32 bits")).collect()
}

/// The moment at which what was entered at `moment` is over.
fn end(moment: Timestamp) -> Timestamp {
    moment + LIVES
}

/// So many seconds of life from `now` on.
async fn entered_for(store: &Store, stays: &[Stay], now: Timestamp, lives: u64) {
    store.enter(stays, now, seconds(lives)).await.expect("entered");
}
