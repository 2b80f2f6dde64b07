//! Word of changes, from one node to another.

use std::sync::Arc;

use waypost_adapters::memory::{MemoryInvalidations, MemoryStore};
use waypost_core::Kind;
use waypost_core::clock::Clock as _;
use waypost_core::conformance::fixtures::{link, seconds, slug};
use waypost_core::engine::{Engine as _, Next};
use waypost_core::layers::{Fault, Faulty, Layered};
use waypost_core::links::{Announcer, Changes, Domain, Heard, Invalidations, LinkCache};

use super::node::{Node, Seen, clock, put, to};

/// Two nodes that know the first link, and listen.
async fn two() -> (Node, Node, Faulty) {
    let (store, clock, faulty) = (Arc::new(MemoryStore::default()), clock(), Faulty::default());
    let carrier: Arc<dyn Invalidations> = Arc::new(MemoryInvalidations::default());
    let carrier: Arc<dyn Invalidations> = Arc::new(Layered::new(carrier, faulty.clone()));
    put(&store, &link(1)).await;
    let (mut one, mut other) = (Node::new(&store, &carrier, &clock), Node::new(&store, &carrier, &clock));
    for node in [&mut one, &mut other] {
        node.hear().await.expect("listens");
        assert_eq!(node.follow(&link(1)).await, to("https://example.com/1"));
    }
    (one, other, faulty)
}

#[tokio::test]
async fn an_edit_on_one_node_is_followed_on_the_other() {
    let (mut one, mut other, _) = two().await;
    one.edit(&link(1), "https://example.com/new").await.expect("edited");
    assert_eq!(one.follow(&link(1)).await, to("https://example.com/new"), "here at once");
    assert_eq!(other.follow(&link(1)).await, to("https://example.com/1"), "there not before the word");
    one.announce().await.expect("told");
    other.hear().await.expect("heard");
    assert_eq!(other.follow(&link(1)).await, to("https://example.com/new"));
}

#[tokio::test]
async fn a_link_that_is_deleted_on_one_node_is_gone_on_the_other() {
    let (mut one, mut other, _) = two().await;
    one.delete(&link(1)).await.expect("deleted");
    one.announce().await.expect("told");
    other.hear().await.expect("heard");
    assert_eq!(other.follow(&link(1)).await, Seen::Nothing);
}

#[tokio::test]
async fn an_engine_that_waits_is_woken_by_a_change_and_by_a_word() {
    let (mut one, mut other, _) = two().await;
    one.announce().await.expect("nothing to tell");
    one.edit(&link(1), "https://example.com/new").await.expect("edited");
    tokio::time::timeout(seconds(10), one.announcer.woken()).await.expect("woken by the change");
    one.announce().await.expect("told");
    tokio::time::timeout(seconds(10), other.forgetter.woken()).await.expect("woken by the word");
    other.hear().await.expect("heard");
    assert_eq!(other.follow(&link(1)).await, to("https://example.com/new"));
}

#[tokio::test]
async fn what_cannot_be_told_waits_for_the_carrier() {
    let (mut one, mut other, carrier) = two().await;
    carrier.always(Fault::Before(Kind::Unavailable));
    one.edit(&link(1), "https://example.com/new").await.expect("an edit needs no carrier");
    assert!(one.announce().await.is_err());
    assert!(one.announce().await.is_err());
    carrier.release();
    one.announce().await.expect("told");
    other.hear().await.expect("heard");
    assert_eq!(other.follow(&link(1)).await, to("https://example.com/new"));
}

#[tokio::test]
async fn a_change_whose_outcome_is_not_known_is_told() {
    let (mut one, mut other, carrier) = two().await;
    carrier.script([Some(Fault::After(Kind::Timeout))]);
    one.edit(&link(1), "https://example.com/new").await.expect("edited");
    assert!(one.announce().await.is_err(), "told, and nobody knows");
    other.hear().await.expect("heard");
    assert_eq!(other.follow(&link(1)).await, to("https://example.com/new"));
    one.announce().await.expect("told again");
    other.hear().await.expect("heard again");
    assert_eq!(other.follow(&link(1)).await, to("https://example.com/new"));
}

#[tokio::test]
async fn a_node_that_hears_everything_believes_nothing_that_it_knew() {
    let (one, mut other, _) = two().await;
    one.edit(&link(1), "https://example.com/new").await.expect("edited, and never told");
    assert_eq!(other.follow(&link(1)).await, to("https://example.com/1"));
    other.carrier.announce(&[]).await.expect("told");
    other.hear().await.expect("heard");
    assert_eq!(other.follow(&link(1)).await, to("https://example.com/new"));
}

#[tokio::test]
async fn a_node_that_hears_everything_while_the_store_is_away_follows_what_it_knew() {
    let (_, mut other, _) = two().await;
    other.carrier.announce(&[]).await.expect("told");
    other.hear().await.expect("heard");
    other.reads.always(Fault::Before(Kind::Unavailable));
    assert_eq!(other.follow(&link(1)).await, to("https://example.com/1"));
}

/// What waits for a carrier is bounded; beyond, the others are told that anything may have changed.
#[tokio::test]
async fn more_changes_than_can_be_kept_are_told_as_everything() {
    let carrier: Arc<dyn Invalidations> = Arc::new(MemoryInvalidations::default());
    let changes = Arc::new(Changes::new(Arc::new(LinkCache::new(1 << 20))));
    let mut announcer = Announcer::new(changes.clone(), carrier.clone());
    let mut listener = carrier.listen().await.expect("listens");
    let now = clock().now();
    for n in 0..2_500 {
        changes.note(&Domain::main(), &slug(&format!("s{n}")));
    }
    let mut told = 0;
    while announcer.step(now).await.expect("told") == Next::Now {
        match listener.next().await {
            Heard::Names(names) => told += names.len(),
            Heard::Everything => panic!("2,500 names fit"),
        }
    }
    assert_eq!(told, 2_500);
    for n in 0..20_000 {
        changes.note(&Domain::main(), &slug(&format!("s{n}")));
    }
    assert_eq!(announcer.step(now).await.expect("told"), Next::Now);
    assert_eq!(listener.next().await, Heard::Everything);
    assert!(matches!(announcer.step(now).await, Ok(Next::At(_))), "and nothing is left");
}

/// A link that changes again before it is told is told once.
#[tokio::test]
async fn changes_of_one_link_are_told_together() {
    let carrier: Arc<dyn Invalidations> = Arc::new(MemoryInvalidations::default());
    let changes = Arc::new(Changes::new(Arc::new(LinkCache::new(1 << 20))));
    let mut announcer = Announcer::new(changes.clone(), carrier.clone());
    let mut listener = carrier.listen().await.expect("listens");
    (0..100).for_each(|_| changes.note(&Domain::main(), &slug("spring")));
    announcer.step(clock().now()).await.expect("told");
    let Heard::Names(names) = listener.next().await else { panic!("one name fits") };
    assert_eq!(names.len(), 1);
}
