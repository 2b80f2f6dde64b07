//! Following links while the store is away, or hangs.

use std::sync::Arc;
use std::time::Duration;

use waypost_adapters::memory::{MemoryInvalidations, MemoryStore};
use waypost_core::Kind;
use waypost_core::conformance::fixtures::{edited, link, plain, seconds, update};
use waypost_core::layers::Fault;
use waypost_core::links::{Atomicity, Destination, Invalidations, Link, LinkStore as _, Version};

use super::node::{Node, Seen, clock, put, to};

/// A node that knows the first link, and its store.
async fn one() -> (Node, Arc<MemoryStore>) {
    let (store, clock) = (Arc::new(MemoryStore::default()), clock());
    let carrier: Arc<dyn Invalidations> = Arc::new(MemoryInvalidations::default());
    put(&store, &link(1)).await;
    put(&store, &link(2)).await;
    let node = Node::new(&store, &carrier, &clock);
    assert_eq!(node.follow(&link(1)).await, to("https://example.com/1"));
    (node, store)
}

/// Lets the first link lead elsewhere, behind the back of every node.
async fn changed(store: &MemoryStore) -> Link {
    let link = Link { destination: Destination::trusted("https://example.com/new".to_owned()), ..edited(&link(1)) };
    let change = update(&link, Version::FIRST);
    store.write(plain(Atomicity::All, vec![(change, None)])).await.expect("a write");
    link
}

#[tokio::test]
async fn a_known_link_is_followed_for_as_long_as_the_store_is_away() {
    let (node, _) = one().await;
    node.reads.always(Fault::Before(Kind::Unavailable));
    for _ in 0..120 {
        node.clock.advance(seconds(60));
        assert_eq!(node.follow(&link(1)).await, to("https://example.com/1"));
    }
    assert_eq!(node.follow(&link(2)).await, Seen::Failure(Kind::Unavailable), "one that is not known cannot be");
    node.reads.release();
    assert_eq!(node.follow(&link(2)).await, to("https://example.com/2"));
}

/// The clock stands still, so who waited would wait for ever.
#[tokio::test]
async fn a_store_that_hangs_delays_nobody_who_follows_a_stale_link() {
    let (node, store) = one().await;
    node.clock.advance(seconds(16));
    node.reads.always(Fault::Hangs);
    let before = node.reads.calls();
    for _ in 0..100 {
        assert_eq!(node.follow(&link(1)).await, to("https://example.com/1"));
    }
    node.reads.met(before + 1).await;
    for _ in 0..100 {
        assert_eq!(node.follow(&link(1)).await, to("https://example.com/1"));
        tokio::task::yield_now().await;
    }
    assert_eq!(node.reads.calls(), before + 1, "one look at a time");
    changed(&store).await;
    node.reads.release();
    node.comes_to_see(&link(1), to("https://example.com/new")).await;
}

#[tokio::test]
async fn a_store_that_hangs_costs_the_first_who_follows_a_doubted_link_its_patience_and_the_others_nothing() {
    let (node, _) = one().await;
    assert_eq!(node.follow(&link(2)).await, to("https://example.com/2"));
    node.clock.advance(seconds(3_600));
    node.reads.always(Fault::Hangs);
    let before = node.reads.calls();
    let clock = node.clock.clone();
    let moves_on = async {
        node.reads.met(before + 1).await;
        clock.advance(Duration::from_millis(200));
    };
    let first = link(1);
    let (seen, ()) = tokio::join!(node.follow(&first), moves_on);
    assert_eq!(seen, to("https://example.com/1"));
    for n in [1, 2] {
        assert_eq!(node.follow(&link(n)).await, to(&format!("https://example.com/{n}")));
    }
}

/// §2: a change behind the back of this process holds within thirty seconds, however seldom the link is followed.
#[tokio::test]
async fn a_change_behind_the_nodes_back_is_followed_after_thirty_seconds() {
    let (node, store) = one().await;
    changed(&store).await;
    node.clock.advance(seconds(14));
    assert_eq!(node.follow(&link(1)).await, to("https://example.com/1"), "it is believed");
    node.clock.advance(seconds(16));
    assert_eq!(node.follow(&link(1)).await, to("https://example.com/new"));
}

#[tokio::test]
async fn an_edit_is_seen_at_once_even_while_the_link_is_looked_up_anew() {
    let (node, _) = one().await;
    node.clock.advance(seconds(16));
    // The answer of then comes when the link has long changed.
    node.reads.script([Some(Fault::Late)]);
    let before = node.reads.calls();
    assert_eq!(node.follow(&link(1)).await, to("https://example.com/1"));
    node.reads.met(before + 1).await;
    node.edit(&link(1), "https://example.com/new").await.expect("edited");
    assert_eq!(node.follow(&link(1)).await, to("https://example.com/new"));
    node.reads.release();
    for _ in 0..100 {
        tokio::task::yield_now().await;
        assert_eq!(node.follow(&link(1)).await, to("https://example.com/new"));
    }
}

#[tokio::test]
async fn who_follows_an_unknown_link_waits_for_the_store() {
    let (node, _) = one().await;
    node.reads.always(Fault::Hangs);
    let before = node.reads.calls();
    let release = async {
        node.reads.met(before + 1).await;
        node.reads.release();
    };
    let unknown = link(2);
    let (seen, ()) = tokio::join!(node.follow(&unknown), release);
    assert_eq!(seen, to("https://example.com/2"));
}
