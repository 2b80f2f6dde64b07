//! Between what was missed and what is live: no gap, and nothing twice.

use waypost_core::events::EventType;

use super::*;

#[tokio::test]
async fn a_session_hears_what_happens_after_it_began() {
    let mut node = Node::new(LiveOptions::default()).await;
    node.tell(events(1..=3)).await;
    let mut session = node.listen(From::Now);
    assert_eq!(told(&mut session).await, ["all stands, recovered false"]);
    node.tell(events(4..=6)).await;
    assert_eq!(told(&mut session).await, all(4..=6));
    node.tell(events([7])).await;
    assert_eq!(told(&mut session).await, all([7]));
    assert!(told(&mut session).await.is_empty());
}

#[tokio::test]
async fn who_comes_back_goes_on_after_its_place_from_the_log_and_then_live() {
    let mut node = Node::new(LiveOptions::default()).await;
    // More than a page of the log, and none of it in a window: nobody listened.
    let positions = node.tell(events(1..=250)).await;
    let mut session = node.listen(From::After(positions[9]));
    node.publish(events(251..=253)).await;
    let mut heard = told(&mut session).await;
    assert_eq!(heard.remove(0), "all stands, recovered true");
    node.turn().await;
    node.tell(events([254])).await;
    heard.extend(told(&mut session).await);
    assert_eq!(heard, all(11..=254));
}

#[tokio::test]
async fn the_seam_holds_wherever_it_falls() {
    // The log grows and is read at every possible moment while a session goes from replay to live.
    for read_at in 0..12 {
        let mut node = Node::new(LiveOptions::default()).await;
        let positions = node.tell(events(1..=5)).await;
        let mut session = node.listen(From::After(positions[1]));
        let (mut heard, mut context) = (Vec::new(), Context::from_waker(Waker::noop()));
        for step in 0..12_u64 {
            node.publish(events([6 + step])).await;
            if step == read_at {
                node.turn().await;
            }
            if let Poll::Ready(push) = session.poll_next(&mut context) {
                heard.push(in_words(&push));
            }
            // Sometimes the log has answered by the next look, and sometimes not.
            if step % 3 == 0 {
                tokio::task::yield_now().await;
            }
        }
        node.turn().await;
        heard.extend(told(&mut session).await);
        assert_eq!(heard[1..], all(3..=17), "the log was read at {read_at}");
    }
}

#[tokio::test]
async fn who_begins_at_the_start_hears_all_that_is_kept() {
    let mut node = Node::new(LiveOptions::default()).await;
    node.tell(events(1..=120)).await;
    let mut session = node.listen(From::Start);
    let heard = told(&mut session).await;
    assert_eq!(heard[1..], all(1..=120));
}

#[tokio::test]
async fn a_place_that_is_gone_is_told_once_and_the_oldest_kept_comes_next() {
    let mut node = Node::new(LiveOptions::default()).await;
    let positions = node.tell(events(1..=20)).await;
    let trimmed = node.bus.trim(at(11), 100).await.expect("what the test relies on");
    assert!(trimmed > 5, "{trimmed}");
    let mut session = node.listen(From::After(positions[2]));
    let first = trimmed as u64 + 1;
    let heard = told(&mut session).await;
    assert_eq!(heard[..2], ["all stands, recovered false", "all reset"]);
    assert_eq!(heard[2..], all(first..=20));
}

#[tokio::test]
async fn a_log_that_is_made_anew_is_told_as_a_reset_to_those_who_are_there() {
    let log = Arc::new(SwappedBus::new());
    let mut node = Node::over(log.clone(), LiveOptions::default()).await;
    let mut session = node.listen(From::Now);
    told(&mut session).await;
    node.tell(events(1..=3)).await;
    assert_eq!(told(&mut session).await, all(1..=3));
    log.swap(9);
    node.publish(events(101..=102)).await;
    node.turn().await;
    assert_eq!(told(&mut session).await, ["all reset", "all 101", "all 102"]);
    node.tell(events([103])).await;
    assert_eq!(told(&mut session).await, all([103]));
}

#[tokio::test]
async fn a_client_that_is_ahead_of_the_reader_of_a_new_log_waits_for_it() {
    let log = Arc::new(SwappedBus::new());
    let mut node = Node::over(log.clone(), LiveOptions::default()).await;
    let mut first = node.listen(From::Now);
    told(&mut first).await;
    log.swap(9);
    let positions = node.publish(events(101..=102)).await;
    // The window is of the log before; only the log itself knows this place.
    let mut session = node.listen(From::After(positions[0]));
    assert_eq!(told(&mut session).await, ["all stands, recovered true", "all 102"]);
    node.turn().await;
    node.tell(events([103])).await;
    assert_eq!(told(&mut session).await, all([103]));
}

#[tokio::test]
async fn a_place_beyond_the_end_of_the_log_is_none() {
    let mut node = Node::new(LiveOptions::default()).await;
    let positions = node.tell(events(1..=3)).await;
    let ahead = Position { offset: positions[2].offset + 10, ..positions[2] };
    let mut session = node.listen(From::After(ahead));
    let heard = told(&mut session).await;
    assert_eq!(heard[..2], ["all stands, recovered false", "all reset"]);
    assert_eq!(heard[2..], all(1..=3));
}

#[tokio::test]
async fn a_place_moves_on_with_the_log_where_nothing_was_for_it() {
    let mut node = Node::new(LiveOptions::default()).await;
    let positions = node.tell(events(1..=20)).await;
    let mut session = node.open(Transport::Sse);
    let wanted = Subscribe { subject: Some("lnk_2".to_owned()), ..subscribe("quiet", From::After(positions[0])) };
    session.subscribe(wanted).expect("what the test relies on");
    let Some(Push::Subscribed { cursor, recovered: true, .. }) = next(&mut session).await else { panic!("it stands") };
    let place = node.hub.position(workspace(1), &cursor).expect("a cursor of ours");
    assert_eq!(place, positions[19], "who comes back with it is not asked to go over the log again");
}

#[tokio::test]
async fn several_subscriptions_go_over_the_log_one_after_the_other() {
    let mut node = Node::new(LiveOptions::default()).await;
    node.tell(events(1..=120)).await;
    let mut session = node.open(Transport::WebSocket);
    for id in ["a", "b", "c"] {
        session.subscribe(subscribe(id, From::Start)).expect("what the test relies on");
    }
    // One that does not acknowledge keeps the others from nothing.
    let held = Subscribe { most_unacknowledged: Some(1), ..subscribe("held", From::Start) };
    session.subscribe(held).expect("what the test relies on");
    let heard = told(&mut session).await;
    for id in ["a", "b", "c"] {
        let of: Vec<_> = heard.iter().filter(|word| word.starts_with(&format!("{id} "))).collect();
        assert_eq!(of.len(), 121, "{id}");
    }
    assert_eq!(heard.iter().filter(|word| word.starts_with("held ")).count(), 2);
}

#[tokio::test]
async fn each_subscription_hears_what_it_asked_for_and_other_workspaces_nothing() {
    let mut node = Node::new(LiveOptions::default()).await;
    let mut session = node.open(Transport::WebSocket);
    let kind = EventType::parse("link.deleted").expect("what the test relies on");
    for wanted in [
        Subscribe { subject: Some("lnk_2".to_owned()), ..subscribe("second", From::Start) },
        Subscribe { types: vec![kind.clone()], ..subscribe("deleted", From::Start) },
    ] {
        session.subscribe(wanted).expect("what the test relies on");
    }
    told(&mut session).await;
    let mut log: Vec<Event> = vec![event(1, "lnk_1"), event(2, "lnk_2"), event(3, "lnk_1"), event(4, "lnk_2")];
    log[2].kind = kind.clone();
    log[3].workspace = workspace(2);
    node.tell(log).await;
    let mut heard = told(&mut session).await;
    heard.sort();
    assert_eq!(heard, ["deleted 3", "second 2"]);
    assert!(session.unsubscribe("second") && !session.unsubscribe("second"));
    let mut more = event(5, "lnk_2");
    more.kind = kind;
    node.tell([more]).await;
    assert_eq!(told(&mut session).await, ["deleted 5"]);
}

#[tokio::test]
async fn a_client_that_acknowledges_is_sent_no_more_than_it_asked_for() {
    let mut node = Node::new(LiveOptions { behind_events: 4, ..LiveOptions::default() }).await;
    let mut session = node.open(Transport::WebSocket);
    let wanted = Subscribe { most_unacknowledged: Some(3), ..subscribe("all", From::Start) };
    session.subscribe(wanted).expect("what the test relies on");
    told(&mut session).await;
    let positions = node.tell(events(1..=20)).await;
    assert_eq!(told(&mut session).await, all(1..=3));
    assert!(session.acknowledge("all", positions[1]) && !session.acknowledge("other", positions[1]));
    assert_eq!(told(&mut session).await, all(4..=5));
    // What it did not want yet has left the window, which is no fault of it: the log has it.
    session.acknowledge("all", positions[4]);
    node.tell(events(21..=30)).await;
    assert_eq!(told(&mut session).await, all(6..=8));
}

#[tokio::test]
async fn every_event_is_written_down_once_for_all() {
    let mut node = Node::new(LiveOptions::default()).await;
    let mut sessions: Vec<_> = (0..3).map(|_| node.listen(From::Now)).collect();
    for session in &mut sessions {
        told(session).await;
    }
    node.tell(events([1])).await;
    let mut bytes = Vec::new();
    for session in &mut sessions {
        let Some(Push::Event { frame, .. }) = next(session).await else { panic!("an event") };
        bytes.push(frame.json().as_ptr());
    }
    bytes.dedup();
    assert_eq!(bytes.len(), 1, "they share the bytes");
}
