//! Clauses 2, 3 and 6: keys.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Store, inserted, kept, key, key_id, listed, with_workspaces};
use crate::conformance::fixtures::{at, workspace};
use crate::conformance::race;
use crate::credentials::{ApiKey, KeyHash, PlanName, Scope, Scopes};

/// Clause 2, before all: every field comes back, whether it is set or not.
pub async fn a_key_is_kept_as_it_was_given(store: Store) {
    let full = ApiKey {
        name: "Schlüssel 'n\" 日本".to_owned(),
        scopes: Scopes::from_iter([Scope::LinksRead, Scope::EventsRead]),
        plan: Some(PlanName::parse("partner").expect("a name")),
        expires_at: Some(at(500)),
        last_used_at: Some(at(60)),
        revoked_at: Some(at(70)),
        ..key(2)
    };
    let none = ApiKey { scopes: Scopes::default(), ..key(3) };
    let keys = [key(1), full, none];
    inserted(&store, &keys).await;
    for key in &keys {
        assert_eq!(kept(&store, key).await.as_ref(), Some(key));
    }
    assert_eq!(listed(&store, workspace(1)).await, keys);
    assert_eq!(kept(&store, &key(4)).await, None);
}

/// Clause 2.
pub async fn a_hash_belongs_to_one_key(store: Store) {
    let first = key(1);
    inserted(&store, std::slice::from_ref(&first)).await;
    let second = ApiKey { hash: first.hash, workspace: workspace(2), ..key(2) };
    assert_eq!(store.insert_key(&second).await.expect("a key"), first);
    assert_eq!(kept(&store, &second).await.as_ref(), Some(&first));
    assert_eq!(listed(&store, workspace(1)).await, [first]);
    assert_eq!(listed(&store, workspace(2)).await, []);
}

/// Clause 2: in a race, as when many nodes start with one operator's key.
pub async fn of_many_who_insert_one_hash_one_wins(store: Store) {
    with_workspaces(&store).await;
    let tries = (1..=30).map(|n| {
        let (store, key) = (Arc::clone(&store), ApiKey { hash: KeyHash([0; 32]), ..key(n) });
        async move { store.insert_key(&key).await.expect("a key") }
    });
    let given: BTreeSet<_> = race(tries).await.into_iter().map(|key| key.id).collect();
    let kept: BTreeSet<_> = listed(&store, workspace(1)).await.into_iter().map(|key| key.id).collect();
    assert_eq!(given.len(), 1, "{given:?}");
    assert_eq!(given, kept);
}

/// Of [`CredentialStore::keys`](crate::credentials::CredentialStore::keys).
pub async fn keys_are_listed_oldest_first(store: Store) {
    inserted(&store, &[key(3), key(1), key(2)]).await;
    assert_eq!(listed(&store, workspace(1)).await, [key(1), key(2), key(3)]);
}

/// Clause 3: the first moment is kept, however it is asked.
pub async fn a_revoked_key_stays_revoked(store: Store) {
    inserted(&store, &[key(1), key(2)]).await;
    let revoked = ApiKey { revoked_at: Some(at(100)), ..key(1) };
    for now in [at(100), at(200), at(50)] {
        let answer = store.revoke_key(workspace(1), key_id(1), now).await.expect("a key");
        assert_eq!(answer.as_ref(), Some(&revoked));
        assert_eq!(kept(&store, &revoked).await.as_ref(), Some(&revoked));
    }
    assert_eq!(listed(&store, workspace(1)).await, [revoked, key(2)], "the other one is not touched");
    assert_eq!(store.revoke_key(workspace(1), key_id(9), at(100)).await.expect("none"), None);
}

/// Clauses 2 and 3: an operator's key that was revoked is not good again after a restart.
pub async fn a_revoked_key_is_not_brought_back_by_an_insert(store: Store) {
    inserted(&store, &[key(1)]).await;
    let revoked = store.revoke_key(workspace(1), key_id(1), at(100)).await.expect("a key").expect("it is there");
    assert_eq!(store.insert_key(&key(1)).await.expect("a key"), revoked);
    assert_eq!(store.insert_key(&ApiKey { hash: key(1).hash, ..key(5) }).await.expect("a key"), revoked);
    assert_eq!(kept(&store, &key(1)).await, Some(revoked));
}

/// Clause 6.
pub async fn another_workspaces_keys_are_not_there(store: Store) {
    let theirs = ApiKey { workspace: workspace(2), ..key(2) };
    inserted(&store, &[key(1), theirs.clone()]).await;
    assert_eq!(listed(&store, workspace(1)).await, [key(1)]);
    assert_eq!(listed(&store, workspace(2)).await, std::slice::from_ref(&theirs));
    assert_eq!(listed(&store, workspace(3)).await, []);
    assert_eq!(store.revoke_key(workspace(1), theirs.id, at(100)).await.expect("none"), None);
    assert_eq!(kept(&store, &theirs).await, Some(theirs));
}

/// Of [`CredentialStore::touch_keys`](crate::credentials::CredentialStore::touch_keys): of those that were used, and of nothing else about them.
pub async fn a_use_is_noted(store: Store) {
    inserted(&store, &[key(1), key(2), key(3)]).await;
    store.touch_keys(&[]).await.expect("noted");
    store.touch_keys(&[(key_id(1), at(100)), (key_id(3), at(200)), (key_id(9), at(1))]).await.expect("noted");
    store.touch_keys(&[(key_id(1), at(300))]).await.expect("noted");
    let used = |n, at| ApiKey { last_used_at: Some(at), ..key(n) };
    assert_eq!(listed(&store, workspace(1)).await, [used(1, at(300)), key(2), used(3, at(200))]);
}
