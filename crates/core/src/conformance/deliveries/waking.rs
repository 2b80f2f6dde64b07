//! Clause 9: who waits is told that there may be something due.

use std::sync::Arc;

use super::scene::{delivery, given_up};
use crate::conformance::fixtures::{at, workspace};
use crate::conformance::webhooks::endpoint;
use crate::conformance::{Deliveries, wakes};
use crate::webhooks::{FailureClass, Redrive, Which};

/// Clause 9.
pub async fn wait_returns_after_an_enqueue(on: Deliveries) {
    on.register(&[endpoint(1)]).await;
    let waiter = Arc::clone(&on.queue);
    wakes(async move { waiter.wait().await }, async |n| on.owe(&[delivery(&endpoint(1), n)], 60).await).await;
}

/// Clause 9: whether it was given up or waits.
pub async fn wait_returns_after_a_redrive(on: Deliveries) {
    on.register(&[endpoint(1)]).await;
    let one = delivery(&endpoint(1), 1);
    on.owe(std::slice::from_ref(&one), 5).await;
    let claimed = on.claim_one(5).await;
    on.release(&claimed, vec![given_up(&one, 5, FailureClass::Timeout)]).await;
    // What the enqueue left behind must not be what wakes; a store may keep one wake-up for the next who comes.
    for _ in 0..3 {
        let _ = tokio::time::timeout(std::time::Duration::ZERO, on.queue.wait()).await;
    }
    let waiter = Arc::clone(&on.queue);
    wakes(async move { waiter.wait().await }, async |_| {
        let again = Redrive { workspace: workspace(1), endpoint: endpoint(1).id, which: Which::One(one.id()) };
        assert_eq!(on.queue.redrive(&again, 1, at(60)).await.expect("a number"), 1);
    })
    .await;
}
