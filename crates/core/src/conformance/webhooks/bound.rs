//! Clauses 3 and 5: how many there may be.

use std::sync::Arc;

use super::{PLENTY, Store, endpoint, listed, registered, registers, webhook_id};
use crate::conformance::fixtures::workspace;
use crate::conformance::race;
use crate::webhooks::Endpoint;

/// Clause 3: a deletion makes room.
pub async fn no_more_are_kept_than_a_workspace_may_have(store: Store) {
    registered(&store, &[endpoint(1), endpoint(2)]).await;
    assert!(registers(&store, &endpoint(3), 3).await);
    for most in [3, 2, 0] {
        assert!(!registers(&store, &endpoint(4), most).await);
    }
    assert_eq!(listed(&store, 1).await, [endpoint(1), endpoint(2), endpoint(3)]);
    assert!(store.delete_endpoint(workspace(1), webhook_id(2)).await.expect("an outcome"));
    assert!(registers(&store, &endpoint(4), 3).await);
    assert_eq!(listed(&store, 1).await, [endpoint(1), endpoint(3), endpoint(4)]);
}

/// Clauses 3 and 4.
pub async fn each_workspace_has_a_bound_of_its_own(store: Store) {
    registered(&store, &[endpoint(1), endpoint(2)]).await;
    let theirs = Endpoint { workspace: workspace(2), ..endpoint(3) };
    assert!(registers(&store, &theirs, 1).await);
    assert!(!registers(&store, &Endpoint { id: webhook_id(4), ..theirs.clone() }, 1).await);
    assert_eq!(listed(&store, 2).await, [theirs]);
}

/// Clause 5.
pub async fn who_asks_again_at_the_bound_is_told_it_is_there(store: Store) {
    registered(&store, &[endpoint(1), endpoint(2)]).await;
    for most in [2, 1, 0] {
        assert!(registers(&store, &endpoint(2), most).await);
    }
    assert_eq!(listed(&store, 1).await, [endpoint(1), endpoint(2)]);
}

/// Clause 3: in a race, beside one in another workspace.
pub async fn of_many_who_register_at_once_no_more_are_kept_than_may_be(store: Store) {
    const MOST: u32 = 5;
    let tries = (0..40).map(|n| {
        let store = Arc::clone(&store);
        let raced = Endpoint { workspace: workspace(1 + u64::from(n) % 2), ..endpoint(n) };
        async move { registers(&store, &raced, MOST).await.then_some(raced) }
    });
    let mut won: Vec<_> = race(tries).await.into_iter().flatten().collect();
    won.sort_by_key(|endpoint| (endpoint.workspace, endpoint.id));
    for n in [1, 2] {
        let own: Vec<_> = won.iter().filter(|endpoint| endpoint.workspace == workspace(n)).cloned().collect();
        assert_eq!(own.len(), MOST as usize);
        assert_eq!(listed(&store, n).await, own, "those who were told so");
    }
}

/// Clause 5: in a race.
pub async fn of_many_who_register_one_endpoint_all_are_told_it_is_there(store: Store) {
    let tries = (0..20).map(|_| {
        let store = Arc::clone(&store);
        async move { registers(&store, &endpoint(1), 1).await }
    });
    assert!(race(tries).await.into_iter().all(|is_there| is_there));
    assert_eq!(listed(&store, 1).await, [endpoint(1)]);
    assert!(!registers(&store, &endpoint(2), 1).await && registers(&store, &endpoint(2), PLENTY).await);
}
