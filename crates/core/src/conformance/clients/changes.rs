//! Clauses 4 and 5: changes.

use std::sync::Arc;

use super::{Store, client, full_client, inserted, kept};
use crate::clients::Client;
use crate::conformance::fixtures::{at, workspace};
use crate::conformance::race;

async fn changes(store: &Store, changed: &Client) -> bool {
    store.update_client(changed).await.expect("an outcome")
}

/// Clause 4: every field that can change does, to something and to nothing.
pub async fn a_change_takes_the_place_of_the_version_before_it(store: Store) {
    inserted(&store, &[client(1), client(2)]).await;
    for changed in [
        Client { version: 2, created_at: client(1).created_at, ..full_client(1) },
        Client { version: 3, revoked_at: Some(at(900)), ..client(1) },
        Client { version: 4, ..client(1) },
    ] {
        assert!(changes(&store, &changed).await);
        assert_eq!(kept(&store, 1).await, Some(changed));
    }
    assert_eq!(kept(&store, 2).await, Some(client(2)), "the other one is not touched");
}

/// Clause 4: neither a stale one, nor one from the future, nor one of a client that is not there.
pub async fn a_change_of_another_version_is_not_made(store: Store) {
    let there = Client { version: 5, ..client(1) };
    inserted(&store, std::slice::from_ref(&there)).await;
    for version in [1, 4, 5, 7] {
        assert!(!changes(&store, &Client { version, name: "changed".to_owned(), ..there.clone() }).await);
        assert_eq!(kept(&store, 1).await.as_ref(), Some(&there));
    }
    assert!(!changes(&store, &Client { version: 2, ..client(2) }).await);
    assert_eq!(kept(&store, 2).await, None);
    assert!(changes(&store, &Client { version: 6, ..there }).await);
}

/// Clause 4: in a race, version after version.
pub async fn of_many_who_change_a_version_one_wins(store: Store) {
    inserted(&store, &[client(1)]).await;
    for version in 2..=4 {
        let tries = (0..20).map(|n| {
            let changed = Client { version, name: format!("change {n}"), ..client(1) };
            let store = Arc::clone(&store);
            async move { changes(&store, &changed).await.then_some(changed) }
        });
        let mut won: Vec<_> = race(tries).await.into_iter().flatten().collect();
        assert_eq!(won.len(), 1, "{won:?}");
        assert_eq!(kept(&store, 1).await, won.pop());
    }
}

/// Clause 5.
pub async fn another_workspaces_client_is_not_changed(store: Store) {
    inserted(&store, &[client(1)]).await;
    assert!(!changes(&store, &Client { version: 2, workspace: workspace(2), ..client(1) }).await);
    assert_eq!(kept(&store, 1).await, Some(client(1)));
    assert!(changes(&store, &Client { version: 2, ..client(1) }).await);
}
