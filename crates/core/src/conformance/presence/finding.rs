//! Clauses 5, 6 and 7: who is found where, in what order, and how many.

use super::{ALL, Store, entered, entered_for, found, numbers, place, presence, session, stay};
use crate::conformance::fixtures::{at, workspace};
use crate::push::presence::{Place, Presence, Stay};

/// Clause 1: nobody is made up.
pub async fn where_nobody_entered_nobody_is(store: Store) {
    assert_eq!(numbers(&store, "lnk", at(0)).await, [0; 0]);
    entered(&store, &[stay("other", 1)], at(0)).await;
    assert_eq!(numbers(&store, "lnk", at(0)).await, [0; 0]);
}

/// Clause 6.
pub async fn the_oldest_come_first_and_no_more_than_the_limit(store: Store) {
    let member = |n, since| Presence { since: at(since), ..presence(n) };
    // Of one moment the lower session first, whoever entered first.
    let oldest_first = [member(5, 1), member(3, 2), member(4, 2), member(1, 9), member(2, 10)];
    for n in [3, 0, 4, 2, 1] {
        let stays = [Stay { place: place("lnk"), presence: oldest_first[n] }];
        entered(&store, &stays, at(20)).await;
    }
    for limit in 0..=6 {
        let lists = store.present(&[place("lnk")], at(20), limit).await.expect("found");
        assert_eq!(lists, [oldest_first[..limit.min(5)].to_vec()], "{limit}");
    }
}

/// Clause 6: a limit is of those who are present, however many were there before them.
pub async fn those_that_are_over_take_nobodys_room(store: Store) {
    let past: Vec<_> = (0..2_500).map(|n| stay("lnk", n)).collect();
    entered_for(&store, &past, at(3_000), 10).await;
    let live: Vec<_> = (2_500..2_510).map(|n| stay("lnk", n)).collect();
    entered_for(&store, &live, at(3_000), 20).await;
    // One of the old is there still.
    entered_for(&store, &past[7..8], at(3_000), 20).await;
    let lists = store.present(&[place("lnk")], at(3_010), 5).await.expect("found");
    assert_eq!(lists, [[7, 2_500, 2_501, 2_502, 2_503].map(presence).to_vec()]);
}

/// Clause 7: also one that is named twice, and one where nobody is.
pub async fn each_place_is_answered_where_it_was_asked(store: Store) {
    entered(&store, &[stay("a", 1), stay("b", 2), stay("b", 3)], at(10)).await;
    let places = ["b", "nobody", "a", "b"].map(place);
    let lists = store.present(&places, at(10), ALL).await.expect("found");
    assert_eq!(lists, [vec![presence(2), presence(3)], vec![], vec![presence(1)], vec![presence(2), presence(3)]]);
}

/// Clause 5.
pub async fn workspaces_see_nothing_of_each_other(store: Store) {
    let of = |n| Place::new(workspace(n), "lnk").expect("a place");
    // The same session in both, as no honest platform has it.
    let stays = [Stay { place: of(1), presence: presence(1) }, Stay { place: of(2), presence: presence(1) }];
    entered(&store, &stays, at(10)).await;
    entered(&store, &[Stay { place: of(2), presence: presence(2) }], at(10)).await;
    assert_eq!(found(&store, &of(1), at(10)).await, [presence(1)]);
    assert_eq!(found(&store, &of(3), at(10)).await, []);
    store.leave(&stays[..1]).await.expect("left");
    assert_eq!(found(&store, &of(1), at(10)).await, []);
    assert_eq!(found(&store, &of(2), at(10)).await, [presence(1), presence(2)]);
}

/// Clause 5: letters that a careless store takes for its own, or for others.
pub async fn subjects_are_apart_to_the_letter(store: Store) {
    let long = "x".repeat(256);
    let subjects = [
        "a",
        "A",
        "a ",
        " a",
        "a:b",
        "a:",
        ":a",
        "a:actors",
        "a%",
        "a_",
        "a*",
        "{a}",
        "a'b\"",
        "a\\",
        "a\n",
        "a\0",
        "\0a",
        "ä",
        "a\u{308}",
        "日本",
        &long,
        &long[..255],
    ];
    let stays: Vec<_> = (0..).zip(subjects).map(|(n, subject)| stay(subject, n)).collect();
    entered(&store, &stays, at(100)).await;
    for (n, subject) in (0..).zip(subjects) {
        assert_eq!(numbers(&store, subject, at(100)).await, [n], "{subject:?}");
    }
    store.leave(&[Stay { place: place("a"), presence: presence(0) }]).await.expect("left");
    for (n, subject) in (0..).zip(subjects).skip(1) {
        let found = found(&store, &place(subject), at(100)).await;
        assert_eq!(found.iter().map(|one| one.session).collect::<Vec<_>>(), [session(n)], "{subject:?}");
    }
}
