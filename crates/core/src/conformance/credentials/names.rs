//! Clauses 4 and 5: one secret a name, one workspace a name.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Store;
use crate::conformance::fixtures::{at, workspace};
use crate::conformance::race;
use crate::credentials::Workspace;

fn proposed(n: u64, name: &str) -> Workspace {
    Workspace { id: workspace(n), name: name.to_owned(), created_at: at(i64::try_from(n).expect("small")) }
}

async fn secret(store: &Store, name: &str, proposed: u8) -> [u8; 32] {
    store.secret(name, [proposed; 32]).await.expect("a secret")
}

/// Clause 4.
pub async fn a_secret_is_the_first_that_was_proposed(store: Store) {
    for proposed in [7, 8, 9] {
        assert_eq!(secret(&store, "cursors", proposed).await, [7; 32]);
    }
    assert_eq!(secret(&store, "webhooks", 8).await, [8; 32], "another name is another secret");
    assert_eq!(secret(&store, "cursors", 8).await, [7; 32]);
}

/// Clause 4: in a race, as when many nodes start for the first time.
pub async fn of_many_who_propose_a_secret_all_are_given_one(store: Store) {
    let tries = (1..=50).map(|n| {
        let store = Arc::clone(&store);
        async move { secret(&store, "raced", n).await }
    });
    let given: BTreeSet<_> = race(tries).await.into_iter().collect();
    assert_eq!(given.len(), 1);
    assert!(given.contains(&secret(&store, "raced", 99).await));
}

/// Clause 5: id and time of making included.
pub async fn a_workspace_is_the_first_that_was_proposed(store: Store) {
    let first = proposed(1, "Größe 日本");
    for _ in 0..2 {
        assert_eq!(store.find_workspace(&first.name).await.expect("a look"), None, "looking makes none");
    }
    for n in 1..=3 {
        assert_eq!(store.workspace(proposed(n, "Größe 日本")).await.expect("a workspace"), first);
    }
    assert_eq!(store.find_workspace(&first.name).await.expect("a look"), Some(first));
    assert_eq!(store.workspace(proposed(4, "other")).await.expect("a workspace"), proposed(4, "other"));
}

/// Clause 5: in a race.
pub async fn of_many_who_propose_a_workspace_all_are_given_one(store: Store) {
    let tries = (1..=50).map(|n| {
        let store = Arc::clone(&store);
        async move { store.workspace(proposed(n, "raced")).await.expect("a workspace").id }
    });
    let given: BTreeSet<_> = race(tries).await.into_iter().collect();
    assert_eq!(given.len(), 1, "{given:?}");
}

/// Clauses 4 and 5, of the names themselves.
pub async fn names_differ_by_case(store: Store) {
    assert_eq!(secret(&store, "name", 1).await, [1; 32]);
    assert_eq!(secret(&store, "Name", 2).await, [2; 32]);
    assert_eq!(store.workspace(proposed(1, "name")).await.expect("a workspace"), proposed(1, "name"));
    assert_eq!(store.workspace(proposed(2, "Name")).await.expect("a workspace"), proposed(2, "Name"));
}
