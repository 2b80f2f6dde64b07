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
    told(&mut slow).await;
    let positions = node.tell(events(1..=1)).await;
    assert_eq!(told(&mut slow).await, all([1]));
    node.tell(events(2..=30)).await;
    assert_eq!(told(&mut slow).await, ["closing too_slow"]);
    assert!(told(&mut slow).await.is_empty(), "nothing comes after the last word");
    drop(slow);
    let mut back = node.listen(From::After(positions[0]));
    assert_eq!(told(&mut back).await[1..], all(2..=30));
}

#[tokio::test]
async fn one_who_takes_nothing_at_all_is_found_out_too() {
    let mut node = Node::new(narrow()).await;
    let mut stuck = node.listen(From::Now);
    told(&mut stuck).await;
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
    let mut node = Node::new(LiveOptions { behind_bytes: 8 * 1_024, ..LiveOptions::default() }).await;
    let mut slow = node.listen(From::Now);
    told(&mut slow).await;
    node.tell(events(1..=100)).await;
    assert_eq!(told(&mut slow).await, ["closing too_slow"]);
    let mut node = Node::new(LiveOptions::default()).await;
    let mut slow = node.listen(From::Now);
    told(&mut slow).await;
    node.tell(events(1..=2)).await;
    node.pass(31);
    node.turn().await;
    let heard = told(&mut slow).await;
    assert!(heard.contains(&"closing too_slow".to_owned()), "{heard:?}");
}

#[tokio::test]
async fn who_chose_to_skips_the_oldest_and_is_told_so() {
    let mut node = Node::new(narrow()).await;
    let mut session = node.open(Transport::WebSocket);
    let wanted = Subscribe { overflow: Overflow::DropOldest, ..subscribe("all", From::Now) };
    session.subscribe(wanted).expect("what the test relies on");
    told(&mut session).await;
    node.tell(events(1..=30)).await;
    let heard = told(&mut session).await;
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
    told(&mut session).await;
    told(&mut exact).await;
    let log = [clicked(1, "lnk_1"), event(2, "lnk_1"), clicked(3, "lnk_2"), clicked(4, "lnk_1"), clicked(5, "lnk_1")];
    node.tell(log).await;
    assert_eq!(told(&mut session).await, all([2, 3, 5]));
    assert_eq!(told(&mut exact).await, all(1..=5));
    // One who keeps up hears each of them.
    node.tell([clicked(6, "lnk_1")]).await;
    assert_eq!(told(&mut session).await, all([6]));
    node.tell([clicked(7, "lnk_1")]).await;
    assert_eq!(told(&mut session).await, all([7]));
}

#[tokio::test]
async fn a_slow_one_costs_the_others_nothing() {
    let mut node = Node::new(narrow()).await;
    let (mut slow, mut quick) = (node.listen(From::Now), node.listen(From::Now));
    told(&mut slow).await;
    told(&mut quick).await;
    for n in 1..=100 {
        node.tell(events([n])).await;
        assert_eq!(told(&mut quick).await, all([n]));
    }
    assert_eq!(told(&mut slow).await, ["closing too_slow"]);
}

#[tokio::test]
async fn a_quiet_topic_is_never_behind_a_busy_one() {
    let mut node = Node::new(narrow()).await;
    let mut session = node.open(Transport::WebSocket);
    let wanted = Subscribe { subject: Some("lnk_2".to_owned()), ..subscribe("quiet", From::Now) };
    session.subscribe(wanted).expect("what the test relies on");
    let mut busy = node.listen(From::Now);
    told(&mut session).await;
    told(&mut busy).await;
    node.tell([event(1, "lnk_2")]).await;
    for n in 2..=50 {
        node.tell(events([n])).await;
        told(&mut busy).await;
    }
    assert_eq!(told(&mut session).await, ["quiet 1"], "what others hear does not push it out");
}

#[tokio::test]
async fn who_falls_out_since_memory_is_short_goes_on_from_the_log() {
    let mut node = Node::new(LiveOptions { most_bytes: 1, ..LiveOptions::default() }).await;
    let mut session = node.listen(From::Now);
    told(&mut session).await;
    node.tell(events(1..=200)).await;
    assert_eq!(told(&mut session).await, all(1..=200), "that is no fault of it");
    node.tell(events(201..=210)).await;
    assert_eq!(told(&mut session).await, all(201..=210));
}

#[tokio::test]
async fn who_takes_nothing_for_30_seconds_is_cut_off_whatever_it_chose() {
    for overflow in [Overflow::DropOldest, Overflow::Conflate, Overflow::Disconnect] {
        let mut node = Node::new(LiveOptions::default()).await;
        node.tell(events(1..=150)).await;
        let mut stuck = node.open(Transport::WebSocket);
        stuck.subscribe(Subscribe { overflow, ..subscribe("all", From::Start) }).expect("what the test relies on");
        // It is in the middle of what it missed, and its client stops reading.
        assert!(next(&mut stuck).await.is_some());
        let mut context = Context::from_waker(Waker::noop());
        assert!(stuck.poll_overdue(&mut context).is_pending());
        node.pass(29);
        assert!(stuck.poll_overdue(&mut context).is_pending());
        node.pass(1);
        let Poll::Ready(push) = stuck.poll_overdue(&mut context) else { panic!("{overflow:?}") };
        assert_eq!(in_words(&push), "closing too_slow");
    }
}
