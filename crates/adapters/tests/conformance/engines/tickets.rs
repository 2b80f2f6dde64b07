//! Tickets on a store that several nodes share.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Barrier;
use waypost_adapters::memory::MemoryStore;
use waypost_core::Kind;
use waypost_core::clock::ManualClock;
use waypost_core::conformance::fixtures;
use waypost_core::credentials::{Actor, Principal, Scopes};
use waypost_core::entropy::{OsEntropy, SeededEntropy};
use waypost_core::idempotency::IdempotencyStore;
use waypost_core::identity::Shown;
use waypost_core::ids::KeyId;
use waypost_core::seal::Seal;
use waypost_core::tickets::Tickets;

/// One node's tickets. Nodes share the store and the key.
fn node(store: &Arc<dyn IdempotencyStore>, clock: &ManualClock) -> Tickets {
    Tickets::new(store.clone(), Arc::new(Seal::new(&[7; 32], &[])), Arc::new(clock.clone()), Arc::new(OsEntropy))
}

fn who(scopes: &str) -> Principal {
    Principal {
        workspace: fixtures::workspace(1),
        actor: Actor::Key(KeyId::from_bytes([1; 16])),
        scopes: Scopes::parse(scopes).expect("scopes"),
        plan: None,
        traceparent: None,
    }
}

/// Of all who bring one ticket at once, on two nodes, one is told what its owner had shown.
pub(crate) async fn of_fifty_who_bring_a_ticket_one_is_let_in(store: Arc<dyn IdempotencyStore>) {
    let clock = ManualClock::new(fixtures::at(0));
    let (one, other) = (Arc::new(node(&store, &clock)), Arc::new(node(&store, &clock)));
    let shown = Shown::bearer("a-key-of-somebody");
    let ticket = one.issue(&who("events:read"), Some(&shown)).await.expect("a ticket");
    let text: Arc<str> = ticket.text.expose().into();
    let start = Arc::new(Barrier::new(50));
    let all = (0..50).map(|n| {
        let (node, text) = (if n % 2 == 0 { one.clone() } else { other.clone() }, text.clone());
        let start = start.clone();
        tokio::spawn(async move {
            start.wait().await;
            node.redeem(&text).await
        })
    });
    let (mut told, mut refused) = (0, 0);
    for redeemed in all.collect::<Vec<_>>() {
        match redeemed.await.expect("it ends") {
            Ok(found) => {
                assert_eq!(found, shown);
                told += 1;
            }
            Err(error) => {
                assert_eq!(error.kind(), Kind::Unauthenticated);
                refused += 1;
            }
        }
    }
    assert_eq!((told, refused), (1, 49));
}

fn in_memory() -> (Arc<dyn IdempotencyStore>, ManualClock) {
    (Arc::new(MemoryStore::default()), ManualClock::new(fixtures::at(0)))
}

async fn refusal(node: &Tickets, text: &str) -> Kind {
    node.redeem(text).await.expect_err("refused").kind()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_one_is_let_in() {
    of_fifty_who_bring_a_ticket_one_is_let_in(in_memory().0).await;
}

#[tokio::test]
async fn a_ticket_is_good_for_half_a_minute_and_never_again_once_used() {
    let (store, clock) = in_memory();
    let node = node(&store, &clock);
    let shown = Shown::session("wp_session_of_somebody");
    let issue = async || node.issue(&who("events:read"), Some(&shown)).await.expect("a ticket");
    let (used, late, last) = (issue().await, issue().await, issue().await);
    assert_eq!(used.expires_at, fixtures::at(30));
    assert_eq!(node.redeem(used.text.expose()).await.expect("in time"), shown);
    clock.advance(Duration::from_millis(29_999));
    assert_eq!(node.redeem(last.text.expose()).await.expect("still in time"), shown);
    assert_eq!(refusal(&node, used.text.expose()).await, Kind::Unauthenticated);
    clock.advance(Duration::from_millis(1));
    assert_eq!(refusal(&node, late.text.expose()).await, Kind::Unauthenticated);
    // A node whose clock is five minutes behind does not take it again either.
    clock.advance(Duration::from_secs(300));
    let behind = self::node(&store, &ManualClock::new(fixtures::at(20)));
    assert_eq!(refusal(&behind, used.text.expose()).await, Kind::Unauthenticated);
}

#[tokio::test]
async fn what_nobody_made_is_refused_and_leaves_nothing_behind() {
    let (store, clock) = in_memory();
    let node = node(&store, &clock);
    let invented = waypost_core::credentials::SecretText::generate(
        waypost_core::credentials::SecretKind::Ticket,
        &SeededEntropy::new(1),
    );
    let mistyped = format!("{}x", &invented.expose()[..invented.expose().len() - 1]);
    for text in ["", "wp_tkt_", "wp_live_x", &mistyped, invented.expose()] {
        assert_eq!(refusal(&node, text).await, Kind::Unauthenticated, "{text:?}");
    }
    clock.advance(Duration::from_secs(3_600));
    assert_eq!(store.sweep(fixtures::at(3_600), 100).await.expect("swept"), 0);
}

#[tokio::test]
async fn a_ticket_needs_the_scope_and_something_that_was_shown() {
    let (store, clock) = in_memory();
    let node = node(&store, &clock);
    let shown = Shown::bearer("a-key-of-somebody");
    let kind = async |scopes, shown| node.issue(&who(scopes), shown).await.expect_err("no ticket").kind();
    assert_eq!(kind("links:read", Some(&shown)).await, Kind::InsufficientScope);
    assert_eq!(kind("events:read", None).await, Kind::Forbidden);
}

#[tokio::test]
async fn a_node_without_the_key_takes_no_ticket() {
    let (store, clock) = in_memory();
    let ticket = node(&store, &clock).issue(&who("events:read"), Some(&Shown::bearer("x"))).await.expect("a ticket");
    let seal = Arc::new(Seal::new(&[8; 32], &[]));
    let stranger = Tickets::new(store, seal, Arc::new(clock), Arc::new(OsEntropy));
    assert_eq!(refusal(&stranger, ticket.text.expose()).await, Kind::Internal);
}
