//! What a board keeps, where it must be seen from within.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::board::{Board, MOST_MEMBERS};
use super::schedule::Schedule;
use super::shares::{MOST_KNOWN, MOST_PLACES, MOST_WATCHES, PART};
use super::{Place, Presence};
use crate::credentials::Actor;
use crate::ids::{KeyId, SessionId, WorkspaceId};

fn presence(n: usize) -> Presence {
    Presence {
        session: SessionId::from_bytes((n as u128).to_be_bytes()),
        actor: Actor::Key(KeyId::from_bytes([1; 16])),
        since: Timestamp::UNIX_EPOCH,
    }
}

fn place(n: usize) -> Place {
    place_of(1, n)
}

fn place_of(workspace: u8, n: usize) -> Place {
    Place::new(WorkspaceId::from_bytes([workspace; 16]), &format!("lnk-{n}")).expect("a place")
}

#[test]
fn a_million_members_are_known_and_no_more() {
    let full = MOST_KNOWN / MOST_MEMBERS;
    // So many workspaces have what they may have, and one comes too late.
    let place = |n: usize| place_of(u8::try_from(n * PART / full).unwrap(), n);
    let crowd: Vec<_> = (0..MOST_MEMBERS).map(presence).collect();
    let now = Timestamp::UNIX_EPOCH;
    let board = Board::default();
    let seats: Vec<_> = (0..full + 2).map(|n| board.seat(&place(n), presence(n)).unwrap()).collect();
    let known = |n: usize| seats[n].0.members().present().len();
    board.read((0..full).map(|n| (place(n), crowd.clone())).collect(), now);
    board.read(vec![(place(full), crowd.clone())], now);
    assert_eq!((known(full - 1), known(full)), (MOST_MEMBERS, 0));
    assert_eq!(seats[full].0.members().generation(), 1, "cut short, and told all the same");
    board.read(vec![(place(3), crowd[..990].to_vec()), (place(full), crowd.clone())], now);
    assert_eq!((known(3), known(full)), (990, 10));
    board.leave(&place(4), &presence(4), &seats[4].1);
    board.read(vec![(place(full), crowd.clone()), (place(full + 1), crowd.clone())], now);
    assert_eq!((known(full), known(full + 1)), (MOST_MEMBERS, 10), "what nobody watches any more leaves its room");
}

#[test]
fn a_workspace_knows_a_quarter_of_all_members_at_most() {
    let full = MOST_KNOWN / MOST_MEMBERS / PART;
    let crowd: Vec<_> = (0..MOST_MEMBERS).map(presence).collect();
    let (board, now) = (Board::default(), Timestamp::UNIX_EPOCH);
    let known = |place: Place| {
        let (audience, _) = board.seat(&place, presence(0)).unwrap();
        board.read(vec![(place, crowd.clone())], now);
        audience.members().present().len()
    };
    let sum: usize = (0..full).map(|n| known(place_of(1, n))).sum();
    assert_eq!((sum, known(place_of(1, full))), (MOST_KNOWN / PART, 0));
    assert_eq!(known(place_of(2, 0)), MOST_MEMBERS);
}

#[test]
fn a_workspace_has_a_quarter_of_all_places_at_most() {
    let (board, full) = (Board::default(), MOST_PLACES / PART);
    let is_seated = |workspace, n| board.seat(&place_of(workspace, n), presence(0)).is_ok();
    for workspace in 1..=4 {
        let bells: Vec<_> = (0..full).map(|n| board.seat(&place_of(workspace, n), presence(0)).unwrap().1).collect();
        assert!(!is_seated(workspace, full), "one more");
        assert!(is_seated(workspace, 7), "where it watches already");
        board.leave(&place_of(workspace, 9), &presence(0), &bells[9]);
        assert!(is_seated(workspace, full) && !is_seated(workspace, full + 1), "room for one");
    }
    assert!(!is_seated(5, 0), "the node has all that it may have");
}

#[test]
fn a_workspace_has_a_quarter_of_all_watches_at_most() {
    let (board, full) = (Board::default(), MOST_WATCHES / PART);
    let is_seated = |workspace, n| board.seat(&place_of(workspace, 0), presence(n)).is_ok();
    for workspace in 1..=4 {
        let bells: Vec<_> = (0..full).map(|n| board.seat(&place_of(workspace, 0), presence(n)).unwrap().1).collect();
        assert!(!is_seated(workspace, full), "one more");
        board.leave(&place_of(workspace, 0), &presence(9), &bells[9]);
        assert!(is_seated(workspace, full) && !is_seated(workspace, full + 1), "room for one");
    }
    assert!(!is_seated(5, 0), "the node has all that it may have");
}

/// A share that was given back whole is as none.
#[test]
fn a_workspace_that_left_may_come_again() {
    let (board, full) = (Board::default(), MOST_PLACES / PART);
    for _ in 0..3 {
        let bells: Vec<_> = (0..full).map(|n| board.seat(&place(n), presence(0)).unwrap().1).collect();
        assert!(board.seat(&place(full), presence(0)).is_err());
        board.read(vec![(place(0), vec![presence(0)])], Timestamp::UNIX_EPOCH);
        bells.iter().enumerate().for_each(|(n, bell)| board.leave(&place(n), &presence(0), bell));
    }
}

#[test]
fn no_more_wait_to_leave_than_may_watch() {
    let (board, now) = (Board::default(), Timestamp::UNIX_EPOCH);
    for round in 0..6 {
        let one = |n: usize| presence(round * 20_000 + n);
        let bells: Vec<_> = (0..20_000).map(|n| board.seat(&place(0), one(n)).unwrap().1).collect();
        assert_eq!(board.entering(now, usize::MAX).len(), 20_000);
        for (n, bell) in bells.iter().enumerate() {
            board.leave(&place(0), &one(n), bell);
        }
    }
    assert_eq!(board.leaving(now, usize::MAX).len(), MOST_WATCHES);
    assert!(board.leaving(now + Duration::from_secs(30), usize::MAX).is_empty(), "they are over by themselves");
    assert_eq!(board.due(), None);
}

#[test]
fn one_that_comes_back_while_it_is_told_of_enters_anew() {
    let (board, now) = (Arc::new(Board::default()), Timestamp::UNIX_EPOCH);
    let (_, bell) = board.seat(&place(0), presence(1)).unwrap();
    let told = board.entering(now, 10);
    // While that call is on its way.
    board.leave(&place(0), &presence(1), &bell);
    let later = Presence { since: now + Duration::from_secs(1), ..presence(1) };
    board.seat(&place(0), later).unwrap();
    board.entered(&told, now);
    let due: Vec<_> = board.entering(now, 10).into_iter().map(|stay| stay.presence).collect();
    assert_eq!(due, [later]);
}

#[test]
fn what_is_due_comes_in_turn() {
    let at = |second| Timestamp::from_second(second).unwrap();
    let mut schedule = Schedule::default();
    let mut first = schedule.put(at(1), 'a');
    let second = schedule.put(at(1), 'b');
    schedule.put(at(0), 'c');
    let due = |schedule: &Schedule<char>, now| schedule.due(at(now)).collect::<String>();
    assert_eq!((due(&schedule, 0), due(&schedule, 1)), ("c".into(), "cab".into()));
    schedule.postpone(&mut first, at(1));
    assert_eq!(due(&schedule, 1), "cba", "behind the others of its moment");
    schedule.remove(second);
    schedule.postpone(&mut first, at(9));
    assert_eq!((due(&schedule, 8), schedule.first()), ("c".into(), Some(at(0))));
}
