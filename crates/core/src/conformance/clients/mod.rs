//! The cases of [`crate::clients::ClientStore`].
//!
//! Clause 1, that no text of a secret is ever given to the store, is proved by the types: there is no call that takes one.

mod changes;
mod keeping;

use std::sync::Arc;

use super::fixtures::{at, workspace};
use super::suite::suite;
use crate::clients::{Client, ClientSecret, ClientStore, RedirectUri};
use crate::credentials::{PlanName, Scope, Scopes, SecretHash};
use crate::ids::ClientId;

suite! {
    /// Proves a [`crate::clients::ClientStore`], given in an `Arc`.
    clients as __clients_suite {
        keeping:
            a_client_is_kept_as_it_was_given,
            of_one_id_the_first_client_is_kept,
            of_many_who_insert_one_id_one_wins,
            clients_are_listed_oldest_first,
            another_workspaces_clients_are_not_listed_and_found_by_their_id;
        changes:
            a_change_takes_the_place_of_the_version_before_it,
            a_change_of_another_version_is_not_made,
            of_many_who_change_a_version_one_wins,
            another_workspaces_client_is_not_changed;
    }
}

type Store = Arc<dyn ClientStore>;

fn client_id(n: u8) -> ClientId {
    ClientId::from_bytes([n; 16])
}

/// The n-th client of the first workspace: nothing set that may be left out.
pub fn client(n: u8) -> Client {
    Client {
        id: client_id(n),
        workspace: workspace(1),
        name: format!("client {n}"),
        scopes: Scopes::default(),
        plan: None,
        secrets: Vec::new(),
        jwks: None,
        redirect_uris: Vec::new(),
        created_at: at(i64::from(n)),
        revoked_at: None,
        version: 1,
    }
}

/// The same with everything set, in letters that a careless store spoils.
pub fn full_client(n: u8) -> Client {
    let secret = |hash: u8, expires_at| ClientSecret {
        hash: SecretHash([hash; 32]),
        hint: format!("\"{hash}'"),
        created_at: at(i64::from(hash)) + std::time::Duration::from_micros(1),
        expires_at,
    };
    let uris = ["https://app.example/back?a=%20&b={c}", "http://127.0.0.1/", "http://[::1]:1/\"'"];
    Client {
        name: "Größe 'n\" 日本 \\".to_owned(),
        scopes: Scopes::from_iter([Scope::LinksRead, Scope::WebhooksWrite]),
        plan: Some(PlanName::parse("partner").expect("a name")),
        secrets: vec![secret(255, None), secret(0, Some(at(500))), secret(128, Some(at(1)))],
        jwks: Some("{\"keys\": [{\"kid\": \"ä\\n\"}]}".repeat(500)),
        redirect_uris: uris.map(|uri| RedirectUri::parse(uri).expect("a URI")).into(),
        revoked_at: Some(at(70)),
        version: 7,
        ..client(n)
    }
}

async fn inserted(store: &Store, clients: &[Client]) {
    for client in clients {
        assert_eq!(store.insert_client(client).await.expect("a client"), *client);
    }
}

async fn kept(store: &Store, n: u8) -> Option<Client> {
    store.client(client_id(n)).await.expect("a look")
}
