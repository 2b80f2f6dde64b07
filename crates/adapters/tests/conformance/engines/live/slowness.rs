//! Those who do not keep up: bounded, and told.

use waypost_core::events::EventType;

use super::*;

fn narrow() -> LiveOptions {
    LiveOptions { behind_events: 10, ..LiveOptions::default() }
}

#[tokio::test]
async fn who_falls_out_of_the_window_is_cut_off_and_comes_back_to_its_place() {
    let mut node = Node::new(narrow()).await;
    let mut slow = node.listen(From::Now);
    told(&mut slow);
    let positions = node.tell(events(1..=1)).await;
    assert_eq!(told(&mut slow), all([1]));
    node.tell(events(2..=30)).await;
    assert_eq!(told(&mut slow), ["closing too_slow"]);
    assert!(told(&mut slow).is_empty(), "nothing comes after the last word");
    drop(slow);
    let mut back = node.listen(From::After(positions[0]));
    assert_eq!(told(&mut back)[1..], all(2..=30));
}

#[tokio::test]
async fn one_who_takes_nothing_at_all_is_found_out_too() {
    let mut node = Node::new(narrow()).await;
    let mut stuck = node.listen(From::Now);
    told(&mut stuck);
    let mut context = Context::from_waker(Waker::noop());
    node.tell(events(1..=5)).await;
    assert!(stuck.poll_overdue(&mut context).is_pending(), "it is behind, and not too far");
    node.tell(events(6..=30)).await;
    let Poll::Ready(push) = stuck.poll_overdue(&mut context) else { panic!("it is too far behind") };
    assert_eq!(in_words(&push), "closing too_slow");
    assert!(stuck.poll_patience(&mut context).is_pending(), "it may still take the last word");
    node.pass(11);
    assert!(stuck.poll_patience(&mut context).is_ready());
}

#[tokio::test]
async fn a_window_is_bounded_in_bytes_and_in_time_as_well() {
    for options in [
        LiveOptions { behind_bytes: 8 * 1_024, ..LiveOptions::default() },
        LiveOptions { most_bytes: 1, ..LiveOptions::default() },
    ] {
        let mut node = Node::new(options).await;
        let mut slow = node.listen(From::Now);
        told(&mut slow);
        node.tell(events(1..=100)).await;
        node.tell(events(101..=200)).await;
        assert_eq!(told(&mut slow), ["closing too_slow"], "{options:?}");
    }
    let mut node = Node::new(LiveOptions::default()).await;
    let mut slow = node.listen(From::Now);
    told(&mut slow);
    node.tell(events(1..=2)).await;
    node.pass(31);
    node.turn().await;
    let heard = told(&mut slow);
    assert!(heard.contains(&"closing too_slow".to_owned()), "{heard:?}");
}

#[tokio::test]
async fn who_chose_to_skips_the_oldest_and_is_told_so() {
    let mut node = Node::new(narrow()).await;
    let mut session = node.open(Transport::WebSocket);
    let wanted = Subscribe { overflow: Overflow::DropOldest, ..subscribe("all", From::Now) };
    session.subscribe(wanted).expect("what the test relies on");
    told(&mut session);
    node.tell(events(1..=30)).await;
    let heard = told(&mut session);
    assert_eq!(heard[0], "all skipped");
    assert_eq!(heard[1..], all(21..=30));
}

#[tokio::test]
async fn counts_that_were_overtaken_are_left_out_for_those_who_conflate() {
    let clicked = |n, subject: &str| Event {
        kind: EventType::parse("link.clicked").expect("a type of ours"),
        ..event(n, subject)
    };
    let mut node = Node::new(LiveOptions::default()).await;
    let (mut session, mut exact) = (node.open(Transport::WebSocket), node.listen(From::Now));
    let wanted = Subscribe { overflow: Overflow::Conflate, ..subscribe("all", From::Now) };
    session.subscribe(wanted).expect("what the test relies on");
    told(&mut session);
    told(&mut exact);
    let log = [clicked(1, "lnk_1"), event(2, "lnk_1"), clicked(3, "lnk_2"), clicked(4, "lnk_1"), clicked(5, "lnk_1")];
    node.tell(log).await;
    assert_eq!(told(&mut session), all([2, 3, 5]));
    assert_eq!(told(&mut exact), all(1..=5));
    // One who keeps up hears each of them.
    node.tell([clicked(6, "lnk_1")]).await;
    assert_eq!(told(&mut session), all([6]));
    node.tell([clicked(7, "lnk_1")]).await;
    assert_eq!(told(&mut session), all([7]));
}

#[tokio::test]
async fn a_slow_one_costs_the_others_nothing() {
    let mut node = Node::new(narrow()).await;
    let (mut slow, mut quick) = (node.listen(From::Now), node.listen(From::Now));
    told(&mut slow);
    told(&mut quick);
    for n in 1..=100 {
        node.tell(events([n])).await;
        assert_eq!(told(&mut quick), all([n]));
    }
    assert_eq!(told(&mut slow), ["closing too_slow"]);
}

#[tokio::test]
async fn a_quiet_topic_is_never_behind_a_busy_one() {
    let mut node = Node::new(narrow()).await;
    let mut session = node.open(Transport::WebSocket);
    let wanted = Subscribe { subject: Some("lnk_2".to_owned()), ..subscribe("quiet", From::Now) };
    session.subscribe(wanted).expect("what the test relies on");
    let mut busy = node.listen(From::Now);
    told(&mut session);
    told(&mut busy);
    node.tell([event(1, "lnk_2")]).await;
    for n in 2..=50 {
        node.tell(events([n])).await;
        told(&mut busy);
    }
    assert_eq!(told(&mut session), ["quiet 1"], "what others hear does not push it out");
}
