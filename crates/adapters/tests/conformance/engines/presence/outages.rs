//! Nodes that die, and a store that is away, forgets, or does not answer.

use waypost_core::layers::Fault;

use super::*;

const AWAY: Fault = Fault::Before(Kind::Unavailable);

#[tokio::test]
async fn those_of_a_node_that_died_are_over_after_their_time_to_live_and_its_own_are_renewed() {
    let (store, clock) = (store(), clock());
    let (mut one, mut other) = (Node::new(&store, &clock), Node::new(&store, &clock));
    let (mut watch, dead) = (one.watch("lnk", 1), other.watch("lnk", 2));
    pass(1, &mut [&mut other, &mut one]).await;
    assert_eq!(watch.take_changes()[..], [joined(1), joined(2)]);
    // Nothing of the other node runs any more, not even what its guards would do.
    let _corpse = (dead, other);
    pass(29, &mut [&mut one]).await;
    assert_eq!(watch.take_changes()[..], []);
    pass(1, &mut [&mut one]).await;
    assert_eq!(watch.take_changes()[..], [gone(2)]);
    pass(300, &mut [&mut one]).await;
    assert_eq!(watch.take_changes()[..], [], "this node's own was renewed all along");
    assert_eq!(store.sweep(clock.now(), 100).await.expect("swept"), 0, "what is over was swept");
}

#[tokio::test]
async fn a_sweep_waits_for_clocks_that_are_behind() {
    let (store, clock) = (store(), clock());
    let mut node = Node::new(&store, &clock);
    let slow = Stay { place: place("lnk"), presence: presence(7) };
    // Entered by a node whose clock is 59 seconds behind this one.
    store.enter(&[slow], clock.now() - seconds(59), seconds(30)).await.expect("entered");
    node.did().await;
    assert_eq!(store.present(&[place("lnk")], clock.now() - seconds(59), 9).await.expect("found")[0], [presence(7)]);
    pass(60, &mut [&mut node]).await;
    assert!(store.present(&[place("lnk")], clock.now() - seconds(200), 9).await.expect("found")[0].is_empty());
}

#[tokio::test]
async fn while_the_store_is_away_nothing_known_changes_and_all_is_told_once_it_is_back() {
    let (store, clock) = (store(), clock());
    let (mut one, mut other) = (Node::new(&store, &clock), Node::new(&store, &clock));
    let (mut watch, leaving) = (one.watch("lnk", 1), one.watch("lnk", 2));
    let elsewhere = other.watch("lnk", 3);
    pass(1, &mut [&mut other, &mut one]).await;
    watch.take_changes();
    one.faulty.always(AWAY);
    drop(leaving);
    let _coming = one.watch("lnk", 4);
    for _ in 0..20 {
        clock.advance(seconds(1));
        assert_eq!(one.failed().await, Kind::Unavailable);
        other.did().await;
    }
    assert_eq!(watch.take_changes()[..], []);
    assert_eq!(known(&watch), [presence(1), presence(2), presence(3)]);
    assert_eq!(known(&elsewhere), [presence(1), presence(2), presence(3)], "shorter than a time to live");
    one.faulty.release();
    pass(1, &mut [&mut one, &mut other]).await;
    assert_eq!(watch.take_changes()[..], [gone(2), joined(4)]);
    assert_eq!(known(&elsewhere), [presence(1), presence(3), presence(4)]);
}

#[tokio::test]
async fn who_left_while_the_store_was_away_for_long_is_over_without_being_told() {
    let (store, clock) = (store(), clock());
    let mut node = Node::new(&store, &clock);
    let (watch, leaving) = (node.watch("lnk", 1), node.watch("lnk", 2));
    pass(1, &mut [&mut node]).await;
    node.faulty.always(AWAY);
    drop(leaving);
    for _ in 0..29 {
        clock.advance(seconds(1));
        node.failed().await;
    }
    clock.advance(seconds(1));
    node.faulty.release();
    let before = node.faulty.calls();
    node.did().await;
    assert_eq!(known(&watch), [presence(1)]);
    assert_eq!(node.faulty.calls() - before, 2, "one is renewed, one place read, and nobody told of who is over");
}

#[tokio::test]
async fn a_store_that_forgot_is_told_again_within_a_second() {
    let (store, clock) = (store(), clock());
    let (mut one, mut other) = (Node::new(&store, &clock), Node::new(&store, &clock));
    let (watch, elsewhere) = (one.watch("lnk", 1), other.watch("lnk", 2));
    pass(1, &mut [&mut one, &mut other]).await;
    assert_eq!(store.sweep(at(1_000_000), 100).await.expect("swept"), 2);
    pass(1, &mut [&mut one, &mut other]).await;
    pass(1, &mut [&mut one, &mut other]).await;
    for watch in [&watch, &elsewhere] {
        assert_eq!(known(watch), [presence(1), presence(2)]);
    }
}

#[tokio::test]
async fn one_whose_entry_got_no_answer_is_taken_away_all_the_same() {
    let (store, clock) = (store(), clock());
    let mut node = Node::new(&store, &clock);
    node.did().await;
    let watch = node.watch("lnk", 1);
    node.faulty.script([Some(Fault::After(Kind::Timeout))]);
    assert_eq!(node.failed().await, Kind::Timeout);
    assert_eq!(kept(&store, "lnk", &clock).await, [presence(1)]);
    drop(watch);
    node.did().await;
    assert!(kept(&store, "lnk", &clock).await.is_empty());
}
