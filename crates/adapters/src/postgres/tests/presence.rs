//! Who is where: two nodes that share a database, and what renewals cost.

use waypost_core::conformance::fixtures::{at, seconds, workspace};
use waypost_core::credentials::Actor;
use waypost_core::ids::{KeyId, SessionId};
use waypost_core::push::presence::{Place, Presence, PresenceStore as _, Stay};

use super::{Postgres, database, options};
use crate::postgres::PostgresPresenceStore;

fn stay(subject: &str, n: u128) -> Stay {
    let actor = Actor::Key(KeyId::from_bytes([1; 16]));
    Stay {
        place: Place::new(workspace(1), subject).unwrap(),
        presence: Presence { session: SessionId::from_bytes(n.to_be_bytes()), actor, since: at(0) },
    }
}

#[tokio::test]
async fn nodes_see_each_other() {
    let (db, schema) = database().await;
    let one = PostgresPresenceStore::new(&db);
    let other = PostgresPresenceStore::new(&Postgres::open(options(&schema)).await.unwrap());
    let (first, second) = (stay("lnk", 1), stay("lnk", 2));
    one.enter(std::slice::from_ref(&first), at(10), seconds(30)).await.unwrap();
    other.enter(std::slice::from_ref(&second), at(10), seconds(30)).await.unwrap();
    let places = [first.place.clone()];
    for store in [&one, &other] {
        assert_eq!(store.present(&places, at(10), 10).await.unwrap(), [[first.presence, second.presence]]);
    }
    other.leave(std::slice::from_ref(&first)).await.unwrap();
    assert_eq!(one.present(&places, at(10), 10).await.unwrap(), [[second.presence]]);
}

/// A row that moved to another page, or changed what an index holds, would add an entry to each index every time.
#[tokio::test]
async fn a_renewal_changes_no_index() {
    const SIZE: &str = "SELECT sum(pg_relation_size(indexrelid))::bigint FROM pg_index \
        WHERE indrelid = 'waypost_presence'::regclass";
    let (db, schema) = database().await;
    let store = PostgresPresenceStore::new(&db);
    let mut conn = schema.connection().await;
    let stays: Vec<_> = (0..2_000).map(|n| stay("lnk", n)).collect();
    store.enter(&stays, at(10), seconds(30)).await.unwrap();
    let before: i64 = sqlx::query_scalar(SIZE).fetch_one(&mut conn).await.unwrap();
    for round in 2..32 {
        store.enter(&stays, at(10 * round), seconds(30)).await.unwrap();
    }
    let after: i64 = sqlx::query_scalar(SIZE).fetch_one(&mut conn).await.unwrap();
    // An index of what changes would grow thirtyfold. Where another transaction can still see the old rows, their pages fill
    // up, and some renewals have to move.
    assert!(before > 0 && after <= before * 6, "from {before} to {after} bytes in 30 rounds");
}
