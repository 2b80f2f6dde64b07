//! What a node takes on, and how much it asks of the store.

use super::*;

/// A quarter of what the node watches.
#[tokio::test]
async fn a_workspace_watches_2500_subjects_and_no_more() {
    let clock = clock();
    let mut node = Node::new(&store(), &clock);
    let mut watches: Vec<_> = (0..2_500).map(|n| node.watch(&format!("lnk-{n}"), n)).collect();
    let refused = node.presences.watch(place("one more"), presence(2_501)).expect_err("no room");
    assert_eq!(refused.kind(), Kind::Unavailable);
    assert!(refused.retry_after().is_some() && refused.message().contains("unwatch"));
    let known_place = node.watch("lnk-7", 2_501);
    drop(watches.pop());
    let room = node.watch("one more", 2_501);
    assert!(node.presences.watch(place("another"), presence(2_502)).is_err());
    let elsewhere = Place::new(workspace(2), "another").expect("a place");
    let other = node.presences.watch(elsewhere, presence(2_502)).expect("what others watch is not in the way");
    node.did().await;
    clock.advance(seconds(5));
    node.did().await;
    assert_eq!(known(&room), [presence(2_501)]);
    assert_eq!(known(&known_place), [presence(7), presence(2_501)]);
    assert_eq!(known(&watches[2_498]), [presence(2_498)]);
    assert_eq!(known(&other), [presence(2_502)]);
}

#[tokio::test]
async fn ten_thousand_subjects_are_watched_and_no_more() {
    let node = Node::new(&store(), &clock());
    let watch = |n: u64| {
        let place = Place::new(workspace(n % 5), &format!("lnk-{n}")).expect("a place");
        node.presences.watch(place, presence(n))
    };
    let mut watches: Vec<_> = (0..10_000).map(|n| watch(n).expect("room")).collect();
    assert_eq!(watch(10_000).expect_err("no room").kind(), Kind::Unavailable);
    drop(watches.pop());
    watch(10_000).expect("room");
}

#[tokio::test]
async fn a_workspace_has_25000_watches_and_no_more() {
    let node = Node::new(&store(), &clock());
    let mut watches: Vec<_> = (0..25_000).map(|n| node.watch("lnk", n)).collect();
    assert_eq!(node.presences.watch(place("lnk"), presence(25_001)).expect_err("no room").kind(), Kind::Unavailable);
    watches.truncate(24_999);
    node.watch("lnk", 25_001);
}

#[tokio::test]
async fn of_a_crowd_the_thousand_that_came_first_are_known() {
    let (store, clock) = (store(), clock());
    let mut node = Node::new(&store, &clock);
    let crowd: Vec<_> = (0..1_500).rev().map(|n| node.watch("lnk", n)).collect();
    pass(2, &mut [&mut node]).await;
    let generation = crowd[0].members().generation();
    pass(30, &mut [&mut node]).await;
    assert_eq!(known(&crowd[0]), (0..1_000).map(presence).collect::<Vec<_>>());
    assert_eq!(kept(&store, "lnk", &clock).await.len(), 1_500, "each is kept");
    assert_eq!(crowd[0].members().generation(), generation, "and nobody comes and goes");
}

#[tokio::test]
async fn many_subjects_are_read_two_thousand_a_second_in_turn() {
    let clock = clock();
    let mut node = Node::new(&store(), &clock);
    let watches: Vec<_> = (0..4_000)
        .map(|n| {
            let place = Place::new(workspace(n % 2), &format!("lnk-{n}")).expect("a place");
            node.presences.watch(place, presence(n)).expect("room")
        })
        .collect();
    node.did().await;
    // All are read every two seconds, a hundred a call.
    clock.advance(seconds(1));
    let before = node.faulty.calls();
    node.did().await;
    assert_eq!(node.faulty.calls(), before);
    clock.advance(seconds(1));
    node.did().await;
    assert_eq!(node.faulty.calls() - before, 40);
    assert!((0..).zip(&watches).all(|(n, watch)| known(watch) == [presence(n)]));
}

#[tokio::test]
async fn a_node_that_nobody_watches_on_asks_for_nothing_but_a_sweep_a_minute() {
    let clock = clock();
    let mut node = Node::new(&store(), &clock);
    drop(node.watch("lnk", 1));
    pass(1, &mut [&mut node]).await;
    let before = node.faulty.calls();
    let now = clock.now();
    let Ok(Next::At(due)) = node.keeper.step(now).await else { panic!("nothing is due") };
    assert_eq!((node.faulty.calls(), due), (before, now + seconds(60)));
    pass(120, &mut [&mut node]).await;
    assert_eq!(node.faulty.calls() - before, 2);
}
