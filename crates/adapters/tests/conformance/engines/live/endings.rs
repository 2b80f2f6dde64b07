//! When a session ends, why, and when its client may come back.

use std::sync::Mutex;

use async_trait::async_trait;
use waypost_core::identity::{Proof, Recognised};
use waypost_core::push::Reason;
use waypost_core::{Error, Kind, Result};

use super::*;

/// Says what it was told to say.
#[derive(Debug, Default)]
struct Word(Mutex<Option<Kind>>);

#[async_trait]
impl Proof for Word {
    async fn ask(&self) -> Result<Recognised> {
        match *self.0.lock().expect("one test, one thread") {
            Some(kind) => Err(Error::new(kind, "as it was told")),
            None => Ok(Recognised { principal: opening(Transport::Sse).who, until: None }),
        }
    }
}

/// The last word of a session, if it has come to that.
async fn last(session: &mut Session) -> Option<Closing> {
    while let Some(push) = next(session).await {
        if let Push::Closing(closing) = push {
            return Some(closing);
        }
    }
    None
}

/// The last words of those that have come to it.
async fn ended(sessions: &mut [Session]) -> Vec<Closing> {
    let mut ended = Vec::new();
    for session in sessions {
        ended.extend(last(session).await);
    }
    ended
}

#[tokio::test]
async fn something_is_sent_every_15_seconds_to_a_stream() {
    let node = Node::new(LiveOptions::default()).await;
    let mut session = node.listen(From::Now);
    told(&mut session).await;
    node.pass(14);
    assert!(told(&mut session).await.is_empty());
    node.pass(1);
    assert_eq!(told(&mut session).await, ["heartbeat"]);
    node.pass(15);
    assert_eq!(told(&mut session).await, ["heartbeat"]);
}

#[tokio::test]
async fn a_socket_must_answer_a_ping_within_10_seconds() {
    let node = Node::new(LiveOptions::default()).await;
    let mut session = node.open(Transport::WebSocket);
    for _ in 0..3 {
        node.pass(25);
        assert_eq!(told(&mut session).await, ["heartbeat"]);
        node.pass(9);
        assert!(told(&mut session).await.is_empty());
        session.heard();
        node.pass(1);
        assert!(told(&mut session).await.is_empty());
        node.pass(15);
        assert_eq!(told(&mut session).await, ["heartbeat"]);
        session.heard();
    }
    node.pass(35);
    assert_eq!(told(&mut session).await, ["heartbeat"]);
    node.pass(10);
    assert_eq!(told(&mut session).await, ["closing silent"]);
}

#[tokio::test]
async fn a_stream_ends_after_10_to_15_minutes() {
    let node = Node::new(LiveOptions::default()).await;
    let mut sessions: Vec<_> = (0..50).map(|_| node.listen(From::Now)).collect();
    node.pass(599);
    assert!(ended(&mut sessions).await.is_empty());
    node.pass(151);
    let half = ended(&mut sessions).await;
    assert!(half.iter().all(|closing| closing.reason == Reason::Lifetime));
    let half = half.len();
    assert!((10..=40).contains(&half), "{half} of 50 ended in the first half of the spread");
    node.pass(151);
    let rest = ended(&mut sessions).await.len();
    assert_eq!(half + rest, 50);
}

#[tokio::test]
async fn a_session_ends_just_before_what_it_was_opened_with() {
    let node = Node::new(LiveOptions::default()).await;
    let opening = Opening { until: Some(at(60)), ..opening(Transport::WebSocket) };
    let mut session = node.hub.open(opening).expect("there is room");
    node.pass(54);
    assert!(last(&mut session).await.is_none());
    session.heard();
    node.pass(1);
    assert_eq!(last(&mut session).await.map(|closing| closing.reason), Some(Reason::TokenEnded));
}

#[tokio::test]
async fn what_was_revoked_ends_its_sessions_and_a_store_that_is_away_does_not() {
    let node = Node::new(LiveOptions::default()).await;
    let word = Arc::new(Word::default());
    let opening = Opening { proof: Some(word.clone()), ..opening(Transport::Sse) };
    let mut session = node.hub.open(opening).expect("there is room");
    for kind in [None, Some(Kind::Unavailable), None] {
        *word.0.lock().expect("one test, one thread") = kind;
        node.pass(15);
        assert!(last(&mut session).await.is_none(), "{kind:?}");
    }
    *word.0.lock().expect("one test, one thread") = Some(Kind::Unauthenticated);
    node.pass(15);
    assert_eq!(last(&mut session).await.map(|closing| closing.reason), Some(Reason::TokenEnded));
}

#[tokio::test]
async fn places_are_bounded_in_all_by_principal_and_by_address_and_given_back() {
    let refused = |node: &Node, opening: Opening| node.hub.open(opening).expect_err("there is no room").reason;
    let bounded = LiveOptions { most: 3, most_per_principal: 2, most_per_address: 1, ..LiveOptions::default() };
    let node = Node::new(bounded).await;
    let from = |address: u8| Opening { address: Some([192, 0, 2, address].into()), ..opening(Transport::Sse) };
    let first = node.hub.open(from(1)).expect("there is room");
    assert_eq!(refused(&node, from(1)), Reason::TooMany, "one an address");
    let _second = node.hub.open(from(2)).expect("there is room");
    assert_eq!(refused(&node, from(3)), Reason::TooMany, "two a principal");
    drop(first);
    let _third = node.hub.open(from(1)).expect("its place was given back");
    let other = |n: u8| {
        let mut opening = from(n);
        opening.who.actor = Actor::Key(KeyId::from_bytes([n; 16]));
        opening
    };
    let _fourth = node.hub.open(other(4)).expect("there is room for others");
    assert_eq!(refused(&node, other(5)), Reason::TooMany, "three in all");
    assert_eq!(node.hub.sessions(), 3);
}

#[tokio::test]
async fn a_session_has_so_many_subscriptions_and_each_id_once() {
    let node = Node::new(LiveOptions { most_subscriptions: 2, ..LiveOptions::default() }).await;
    let mut session = node.open(Transport::WebSocket);
    session.subscribe(subscribe("a", From::Now)).expect("the first");
    assert_eq!(session.subscribe(subscribe("a", From::Now)).expect_err("again").kind(), Kind::Conflict);
    session.subscribe(subscribe("b", From::Now)).expect("the second");
    assert_eq!(session.subscribe(subscribe("c", From::Now)).expect_err("too many").kind(), Kind::Invalid);
}

#[tokio::test]
async fn a_node_that_stops_sends_them_away_one_after_the_other_and_back_at_the_same_pace() {
    let node = Node::new(LiveOptions { drain_rate: 10, ..LiveOptions::default() }).await;
    let mut sessions: Vec<_> = (0..50).map(|_| Some(node.listen(From::Now))).collect();
    let (hub, patience) = (node.hub.clone(), Duration::from_secs(3));
    let drained = tokio::spawn(async move { hub.drain(patience).await });
    tokio::task::yield_now().await;
    let refused = node.hub.open(opening(Transport::Sse)).expect_err("nobody comes in any more");
    assert_eq!(refused.reason, Reason::Drain);
    let mut back = Vec::new();
    for tenth in 0..=30_u32 {
        for place in &mut sessions {
            let Some(session) = place else { continue };
            let Some(closing) = last(session).await else { continue };
            assert_eq!(closing.reason, Reason::Drain);
            back.push(Duration::from_millis(100) * tenth + closing.reconnect_after);
            *place = None;
        }
        let gone = back.len();
        assert!(tenth == 30 || (tenth as usize..=tenth as usize + 2).contains(&gone), "{gone} after {tenth} tenths");
        node.clock.advance(Duration::from_millis(100));
        tokio::task::yield_now().await;
    }
    assert_eq!(back.len(), 50, "those who were left went at the end of the patience");
    drained.await.expect("the drain ends when they are gone");
    // Five seconds' worth of them, told to come back ten a second, after as long as it takes to send all away.
    back.sort();
    for window in back.windows(11) {
        assert!(window[10] - window[0] >= Duration::from_millis(900), "{window:?}");
    }
    assert!(back[0] >= Duration::from_secs(5), "{:?}", back[0]);
}
