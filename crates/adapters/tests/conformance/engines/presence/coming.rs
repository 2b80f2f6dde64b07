//! Coming and going, as others see it.

use std::task::{Context, Waker};
use std::time::Duration;

use super::*;

#[tokio::test]
async fn a_watch_hears_of_those_on_its_own_node_and_on_others() {
    let (store, clock) = (store(), clock());
    let (mut one, mut other) = (Node::new(&store, &clock), Node::new(&store, &clock));
    let mut first = one.watch("lnk", 1);
    assert_eq!((first.members().generation(), known(&first)), (0, vec![]));
    one.did().await;
    assert_eq!(first.take_changes()[..], [joined(1)]);
    let mut second = one.watch("lnk", 2);
    assert_eq!(known(&second), [presence(1)], "what is known is there at once");
    let mut third = other.watch("lnk", 3);
    pass(1, &mut [&mut other, &mut one]).await;
    assert_eq!(first.take_changes()[..], [joined(2), joined(3)]);
    assert_eq!(second.take_changes()[..], [joined(2), joined(3)]);
    pass(1, &mut [&mut other]).await;
    assert_eq!(third.take_changes()[..], [joined(1), joined(2), joined(3)]);
    drop(second);
    pass(1, &mut [&mut one, &mut other]).await;
    assert_eq!(third.take_changes()[..], [gone(2)]);
    assert_eq!(first.take_changes()[..], [gone(2)]);
    assert_eq!(first.take_changes()[..], []);
    assert_eq!(known(&first), [presence(1), presence(3)]);
    assert!(kept(&store, "other", &clock).await.is_empty());
}

#[tokio::test]
async fn a_subject_is_told_of_its_own_sessions_alone() {
    let clock = clock();
    let mut node = Node::new(&store(), &clock);
    let watch = node.watch("lnk", 1);
    let elsewhere = node.watch("other", 2);
    let foreign = Place::new(workspace(2), "lnk").expect("a place");
    let foreign = node.presences.watch(foreign, presence(3)).expect("room");
    pass(2, &mut [&mut node]).await;
    for (watch, n) in [(&watch, 1), (&elsewhere, 2), (&foreign, 3)] {
        assert_eq!(known(watch), [presence(n)]);
    }
}

#[tokio::test]
async fn the_engine_is_woken_by_who_comes_and_by_who_goes_and_tells_at_once() {
    async fn woken(node: &mut Node) {
        tokio::time::timeout(seconds(10), node.keeper.woken()).await.expect("woken");
        node.did().await;
        node.clock.advance(Duration::from_millis(100));
        node.did().await;
    }
    let mut node = Node::new(&store(), &clock());
    let first = node.watch("lnk", 1);
    woken(&mut node).await;
    assert_eq!(known(&first), [presence(1)]);
    let second = node.watch("lnk", 2);
    woken(&mut node).await;
    assert_eq!(known(&first), [presence(1), presence(2)], "within a tenth of a second");
    drop(second);
    woken(&mut node).await;
    assert_eq!(known(&first), [presence(1)]);
    tokio::select! {
        biased;
        () = node.keeper.woken() => panic!("nothing happened"),
        () = std::future::ready(()) => {}
    }
}

#[tokio::test]
async fn a_crowd_that_comes_is_read_ten_times_a_second() {
    let clock = clock();
    let mut node = Node::new(&store(), &clock);
    let mut crowd = vec![node.watch("lnk", 0)];
    node.did().await;
    let before = node.faulty.calls();
    // A hundred within a second.
    for n in 1..=100 {
        crowd.push(node.watch("lnk", n));
        clock.advance(Duration::from_millis(10));
        node.did().await;
    }
    let readings = node.faulty.calls() - before - 100;
    assert!((9..=11).contains(&readings), "{readings}");
    pass(1, &mut [&mut node]).await;
    assert_eq!(known(&crowd[0]).len(), 101);
}

#[tokio::test]
async fn one_that_does_not_look_is_told_the_difference() {
    let clock = clock();
    let mut node = Node::new(&store(), &clock);
    let mut slow = node.watch("lnk", 1);
    node.did().await;
    let early = node.watch("lnk", 2);
    pass(1, &mut [&mut node]).await;
    let _staying = node.watch("lnk", 3);
    pass(1, &mut [&mut node]).await;
    drop(early);
    pass(1, &mut [&mut node]).await;
    assert_eq!(slow.members().generation(), 4);
    assert_eq!(slow.take_changes()[..], [joined(1), joined(3)], "the second came and went");
    pass(5, &mut [&mut node]).await;
    assert_eq!(slow.members().generation(), 4, "a list that is the same is no change");
}

#[tokio::test]
async fn a_task_that_waits_is_woken_by_a_change_and_by_nothing_else() {
    let mut node = Node::new(&store(), &clock());
    let mut watch = node.watch("lnk", 1);
    node.did().await;
    tokio::time::timeout(seconds(10), watch.changed()).await.expect("it changed before");
    watch.take_changes();
    pass(3, &mut [&mut node]).await;
    assert!(watch.poll_changed(&mut Context::from_waker(Waker::noop())).is_pending(), "nobody came or went");
    let waiting = tokio::spawn(async move {
        watch.changed().await;
        watch.take_changes().to_vec()
    });
    tokio::task::yield_now().await;
    let _second = node.watch("lnk", 2);
    pass(1, &mut [&mut node]).await;
    let changes = tokio::time::timeout(seconds(10), waiting).await.expect("woken").expect("no panic");
    assert_eq!(changes, [joined(2)]);
}

#[tokio::test]
async fn a_session_that_watches_twice_is_there_once_until_it_drops_both() {
    let (store, clock) = (store(), clock());
    let mut node = Node::new(&store, &clock);
    let (first, again) = (node.watch("lnk", 1), node.watch("lnk", 1));
    let other = node.watch("lnk", 2);
    pass(1, &mut [&mut node]).await;
    assert_eq!(known(&other), [presence(1), presence(2)]);
    drop(first);
    pass(12, &mut [&mut node]).await;
    assert_eq!(known(&other), [presence(1), presence(2)]);
    drop(again);
    pass(1, &mut [&mut node]).await;
    assert_eq!(known(&other), [presence(2)]);
}

#[tokio::test]
async fn one_that_leaves_and_comes_back_before_anybody_was_told_is_there() {
    let (store, clock) = (store(), clock());
    let mut node = Node::new(&store, &clock);
    let mut other = node.watch("lnk", 2);
    drop(node.watch("lnk", 1));
    node.did().await;
    assert_eq!(other.take_changes()[..], [joined(2)], "one that never was there left nothing");
    let watch = node.watch("lnk", 1);
    pass(1, &mut [&mut node]).await;
    drop(watch);
    let later = Presence { since: clock.now(), ..presence(1) };
    let back = node.presences.watch(place("lnk"), later).expect("room");
    pass(1, &mut [&mut node]).await;
    assert_eq!(known(&other), [presence(2), later]);
    pass(40, &mut [&mut node]).await;
    assert_eq!(kept(&store, "lnk", &clock).await, [presence(2), later]);
    // Gone before it was told that it is back, and still told that it is gone.
    drop(back);
    pass(1, &mut [&mut node]).await;
    assert_eq!(kept(&store, "lnk", &clock).await, [presence(2)]);
}

#[tokio::test]
async fn a_node_that_stops_takes_its_sessions_away_once() {
    let (store, clock) = (store(), clock());
    let (mut one, mut other) = (Node::new(&store, &clock), Node::new(&store, &clock));
    let mut staying = other.watch("lnk", 1);
    let leaving: Vec<_> = (2..1_200).map(|n| one.watch("lnk", n)).collect();
    one.did().await;
    let dropped = one.watch("elsewhere", 2);
    one.did().await;
    drop(dropped);
    one.keeper.finish().await.expect("told");
    assert!(kept(&store, "lnk", &clock).await.is_empty() && kept(&store, "elsewhere", &clock).await.is_empty());
    pass(1, &mut [&mut other]).await;
    assert_eq!(staying.take_changes()[..], [joined(1)]);
    let calls = one.faulty.calls();
    drop(leaving);
    one.keeper.finish().await.expect("nobody is left");
    assert_eq!(one.faulty.calls(), calls);
}
