//! The cases of [`crate::credentials::CredentialStore`].
//!
//! Clause 1, that no text of a key is ever given to the store, is proved by the types: there is no call that takes one.

mod ends;
mod keys;
mod names;

use std::sync::Arc;

use super::fixtures::{at, workspace};
use super::suite::suite;
use crate::credentials::{ApiKey, CredentialStore, KeyHash, Scopes, Workspace};
use crate::ids::{KeyId, WorkspaceId};

suite! {
    /// Proves a [`crate::credentials::CredentialStore`], given in an `Arc`.
    credentials as __credentials_suite {
        keys:
            a_key_is_kept_as_it_was_given,
            a_hash_belongs_to_one_key,
            of_many_who_insert_one_hash_one_wins,
            keys_are_listed_oldest_first,
            a_revoked_key_stays_revoked,
            a_revoked_key_is_not_brought_back_by_an_insert,
            another_workspaces_keys_are_not_there,
            a_use_is_noted;
        ends:
            an_end_is_brought_forward_and_never_put_off,
            an_end_changes_nothing_else,
            of_many_ends_the_earliest_holds,
            another_workspaces_key_is_not_brought_to_an_end;
        names:
            a_secret_is_the_first_that_was_proposed,
            of_many_who_propose_a_secret_all_are_given_one,
            a_workspace_is_the_first_that_was_proposed,
            of_many_who_propose_a_workspace_all_are_given_one,
            names_differ_by_case;
    }
}

type Store = Arc<dyn CredentialStore>;

fn key_id(n: u8) -> KeyId {
    KeyId::from_bytes([n; 16])
}

fn key(n: u8) -> ApiKey {
    ApiKey {
        id: key_id(n),
        workspace: workspace(1),
        name: format!("key {n}"),
        hash: KeyHash([n; 32]),
        hint: "wxyz".to_owned(),
        scopes: Scopes::ALL,
        plan: None,
        created_at: at(i64::from(n)),
        expires_at: None,
        last_used_at: None,
        revoked_at: None,
    }
}

/// The first two workspaces, since a store may insist that a key's workspace is there.
async fn with_workspaces(store: &Store) {
    for n in 1..=2 {
        let proposed = Workspace { id: workspace(n), name: format!("workspace {n}"), created_at: at(0) };
        store.workspace(proposed).await.expect("a workspace");
    }
}

async fn inserted(store: &Store, keys: &[ApiKey]) {
    with_workspaces(store).await;
    for key in keys {
        assert_eq!(store.insert_key(key).await.expect("a key"), *key);
    }
}

async fn kept(store: &Store, key: &ApiKey) -> Option<ApiKey> {
    store.key(key.hash).await.expect("a look")
}

async fn listed(store: &Store, workspace: WorkspaceId) -> Vec<ApiKey> {
    store.keys(workspace).await.expect("a list")
}
