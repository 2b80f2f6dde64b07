//! What a restart finds of clients, people, grants and endpoints.

use waypost_core::clients::ClientStore as _;
use waypost_core::conformance::fixtures::{at, workspace};
use waypost_core::conformance::{clients, grants, members, webhooks};
use waypost_core::grants::{Ending, GrantStore as _, Turn};
use waypost_core::ids::TokenId;
use waypost_core::members::{MemberStore as _, Role, RoleSet};
use waypost_core::webhooks::WebhookStore as _;

use super::{Sqlite, database, database_file};
use crate::sqlite::{SqliteClientStore, SqliteGrantStore, SqliteMemberStore, SqliteWebhookStore};

#[tokio::test]
async fn a_restart_keeps_who_may_do_what() {
    let (db, folder) = database().await;
    let (client, user, endpoint) = (clients::full_client(1), members::user(1), webhooks::endpoint(1));
    let (grant, token) = (grants::grant(1), TokenId::from_bytes([9; 16]));
    SqliteClientStore::new(&db).insert_client(&client).await.unwrap();
    SqliteMemberStore::new(&db).user(&user).await.unwrap();
    SqliteMemberStore::new(&db).set_role(workspace(1), user.id, Some(Role::Owner), at(0)).await.unwrap();
    SqliteWebhookStore::new(&db).insert_endpoint(&endpoint, 1).await.unwrap();
    let store = SqliteGrantStore::new(&db);
    store.open(&grant, &grants::token(1, 1)).await.unwrap();
    assert_eq!(store.turn(grants::hash(1), &grants::token(2, 1), at(60)).await.unwrap(), Turn::Done);
    store.deny(token, at(900)).await.unwrap();
    store.end(Ending::Grant(grant.id), at(70)).await.unwrap();
    // Not closed: what a killed process leaves behind, the next one reads from the log.
    let again = Sqlite::open(database_file(&folder)).await.unwrap();
    assert_eq!(SqliteClientStore::new(&again).client(client.id).await.unwrap(), Some(client));
    let members = SqliteMemberStore::new(&again);
    assert_eq!(members.set_role(workspace(1), user.id, None, at(80)).await.unwrap(), RoleSet::LastOwner);
    assert_eq!(SqliteWebhookStore::new(&again).endpoints(workspace(1)).await.unwrap(), [endpoint]);
    let store = SqliteGrantStore::new(&again);
    let (found, first) = store.find(grants::hash(1)).await.unwrap().unwrap();
    assert_eq!((found.ended_at, first.used_at), (Some(at(70)), Some(at(60))));
    assert_eq!(store.turn(grants::hash(2), &grants::token(3, 1), at(80)).await.unwrap(), Turn::Unknown);
    assert!(store.is_denied(token, at(899)).await.unwrap());
    drop(db);
}
