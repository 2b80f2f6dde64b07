//! Clauses 6 and 7: keys are brought to an end.

use std::sync::Arc;

use super::{Store, inserted, kept, key, key_id, listed};
use crate::conformance::fixtures::{at, workspace};
use crate::conformance::race;
use crate::credentials::ApiKey;

async fn expired(store: &Store, n: u8, moment: i64) -> Option<ApiKey> {
    store.expire_key(workspace(1), key_id(n), at(moment)).await.expect("an outcome")
}

/// Clause 7: whether it had an end before or not; seen at once, though it was looked up before.
pub async fn an_end_is_brought_forward_and_never_put_off(store: Store) {
    inserted(&store, &[key(1), ApiKey { expires_at: Some(at(500)), ..key(2) }]).await;
    for (n, moment, then) in [(1, 900, 900), (1, 950, 900), (1, 700, 700), (1, 900, 700), (2, 600, 500), (2, 400, 400)]
    {
        let ending = ApiKey { expires_at: Some(at(then)), ..key(n) };
        assert_eq!(expired(&store, n, moment).await.as_ref(), Some(&ending));
        assert_eq!(kept(&store, &ending).await, Some(ending));
    }
    assert_eq!(expired(&store, 9, 100).await, None);
}

/// Clauses 3 and 7: a key that was revoked stays so, and other keys are not touched.
pub async fn an_end_changes_nothing_else(store: Store) {
    let revoked = ApiKey { revoked_at: Some(at(70)), last_used_at: Some(at(60)), ..key(1) };
    inserted(&store, &[revoked.clone(), key(2)]).await;
    let ending = ApiKey { expires_at: Some(at(100)), ..revoked };
    assert_eq!(expired(&store, 1, 100).await, Some(ending.clone()));
    assert_eq!(listed(&store, workspace(1)).await, [ending, key(2)]);
}

/// Clause 7: in a race.
pub async fn of_many_ends_the_earliest_holds(store: Store) {
    inserted(&store, &[key(1)]).await;
    let tries = (1..=30).map(|n| {
        let store = Arc::clone(&store);
        async move { expired(&store, 1, 100 * n).await }
    });
    assert!(race(tries).await.iter().all(Option::is_some));
    assert_eq!(kept(&store, &key(1)).await.and_then(|key| key.expires_at), Some(at(100)));
}

/// Clause 6.
pub async fn another_workspaces_key_is_not_brought_to_an_end(store: Store) {
    let theirs = ApiKey { workspace: workspace(2), ..key(2) };
    inserted(&store, std::slice::from_ref(&theirs)).await;
    assert_eq!(expired(&store, 2, 100).await, None);
    assert_eq!(kept(&store, &theirs).await, Some(theirs.clone()));
    assert!(store.expire_key(workspace(2), theirs.id, at(100)).await.expect("an outcome").is_some());
}
