//! Clauses 2, 3 and 5: what is kept, and who finds it.

use std::sync::Arc;

use super::{Store, client, client_id, full_client, inserted, kept};
use crate::clients::Client;
use crate::conformance::fixtures::workspace;
use crate::conformance::race;
use crate::credentials::Scopes;

/// Clause 2: whether a field is set or not.
pub async fn a_client_is_kept_as_it_was_given(store: Store) {
    let clients = [client(1), full_client(2), Client { scopes: Scopes::ALL, ..client(3) }];
    inserted(&store, &clients).await;
    for (n, client) in (1..).zip(&clients) {
        assert_eq!(kept(&store, n).await.as_ref(), Some(client));
    }
    assert_eq!(store.clients(workspace(1)).await.expect("a list"), clients);
    assert_eq!(kept(&store, 4).await, None);
}

/// Clause 3.
pub async fn of_one_id_the_first_client_is_kept(store: Store) {
    inserted(&store, &[client(1)]).await;
    for second in [full_client(1), Client { workspace: workspace(2), ..client(1) }, client(1)] {
        assert_eq!(store.insert_client(&second).await.expect("a client"), client(1));
        assert_eq!(kept(&store, 1).await, Some(client(1)));
    }
    assert_eq!(store.clients(workspace(2)).await.expect("a list"), []);
}

/// Clause 3: in a race.
pub async fn of_many_who_insert_one_id_one_wins(store: Store) {
    let tries = (1..=30).map(|n| {
        let (store, client) = (Arc::clone(&store), Client { id: client_id(0), ..client(n) });
        async move { store.insert_client(&client).await.expect("a client") }
    });
    let mut given = race(tries).await;
    given.dedup();
    assert_eq!(given.len(), 1, "{given:?}");
    assert_eq!(kept(&store, 0).await, given.pop());
}

/// Of [`ClientStore::clients`](crate::clients::ClientStore::clients).
pub async fn clients_are_listed_oldest_first(store: Store) {
    let late = Client { created_at: client(9).created_at, ..client(1) };
    inserted(&store, &[late.clone(), client(3), client(2)]).await;
    assert_eq!(store.clients(workspace(1)).await.expect("a list"), [client(2), client(3), late]);
}

/// Clause 5.
pub async fn another_workspaces_clients_are_not_listed_and_found_by_their_id(store: Store) {
    let theirs = Client { workspace: workspace(2), ..client(2) };
    inserted(&store, &[client(1), theirs.clone()]).await;
    assert_eq!(store.clients(workspace(1)).await.expect("a list"), [client(1)]);
    assert_eq!(store.clients(workspace(2)).await.expect("a list"), std::slice::from_ref(&theirs));
    assert_eq!(store.clients(workspace(3)).await.expect("a list"), []);
    assert_eq!(kept(&store, 2).await, Some(theirs));
}
