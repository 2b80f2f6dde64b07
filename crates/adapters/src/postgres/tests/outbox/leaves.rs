//! Leaves are filled in turn and emptied whole, whoever holds a transaction open.
#![allow(clippy::disallowed_methods, reason = "what a claim costs is measured")]

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, Executor as _};
use waypost_core::conformance::fixtures::{at, event, event_id, seconds};
use waypost_core::entropy::{Entropy as _, SeededEntropy};
use waypost_core::events::{Event, Payload};
use waypost_core::outbox::{Outbox as _, Ruling};

use super::{acked, claimed, ids, ids_of, verdict};
use crate::postgres::PostgresOutbox;
use crate::postgres::columns::Columns as _;
use crate::postgres::tests::database;

/// Past the time between two looks at the leaves.
const A_WHILE: Duration = Duration::from_secs(1);

/// The leaf that is appended to, and the bytes of all.
async fn leaves(conn: &mut PgConnection) -> (i64, i64) {
    const LEAVES: &str = "SELECT (SELECT last_value FROM waypost_outbox_turn)::int8, sum(pg_total_relation_size(\
        ('waypost_outbox_' || leaf)::regclass))::int8 FROM generate_series(0, 7) AS leaf";
    let row = sqlx::query(LEAVES).fetch_one(conn).await.unwrap();
    (row.at(0).unwrap(), row.at(1).unwrap())
}

/// Events that fill a leaf, with data that cannot be compressed.
fn leaf_full(first: u64) -> Vec<Event> {
    static DATA: LazyLock<Payload> = LazyLock::new(|| {
        let mut bytes = vec![0; 20_000];
        SeededEntropy::new(1).fill(&mut bytes);
        let text: String = bytes.iter().map(|byte| char::from(b'0' + byte % 64)).collect();
        Payload::of(&text).unwrap()
    });
    (0..250).map(|n| Event { data: DATA.clone(), ..event(first + n, &format!("lnk_{n}")) }).collect()
}

fn median(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort();
    sorted[sorted.len() / 2]
}

#[tokio::test]
async fn size_and_claims_do_not_grow_while_a_transaction_stays_open() {
    const BATCHES: u64 = 60;
    let (db, schema) = database().await;
    let outbox = PostgresOutbox::new(&db);
    let mut idle = schema.connection().await;
    idle.execute("BEGIN; SELECT txid_current()").await.unwrap();

    let mut conn = schema.connection().await;
    let (mut times, mut turns, mut largest, mut now) = (Vec::new(), BTreeSet::new(), 0, at(0));
    for batch in 0..BATCHES {
        let events: Vec<_> = (0..1_000).map(|n| event(batch * 1_000 + n, &format!("lnk_{n}"))).collect();
        outbox.append(&events).await.unwrap();
        let began = Instant::now();
        let given = claimed(&outbox, 1_000, now).await;
        times.push(began.elapsed());
        assert_eq!(ids(&given), ids_of(&events));
        acked(&outbox, &given).await;
        let (turn, size) = leaves(&mut conn).await;
        turns.insert(turn);
        largest = largest.max(size);
        now += A_WHILE;
    }
    idle.execute("COMMIT").await.unwrap();

    assert_eq!(outbox.backlog().await.unwrap().waiting, 0);
    assert!(turns.len() > 2, "leaves were filled in turn: {turns:?}");
    assert!(largest < 32 << 20, "the leaves grew to {largest} bytes");
    let tenth = times.len() / 10;
    let (first, last) = (median(&times[tenth..2 * tenth]), median(&times[times.len() - tenth..]));
    assert!(last < first * 4, "a claim took {first:?} at first and {last:?} at last");
}

#[tokio::test]
async fn a_transaction_that_stays_open_over_many_turns_loses_nothing() {
    let (db, schema) = database().await;
    let outbox = PostgresOutbox::new(&db);
    let (mut host, mut conn) = (schema.connection().await, schema.connection().await);
    let mut tx = host.begin().await.unwrap();
    let late = event(1, "order_1");
    PostgresOutbox::append_within(&mut tx, std::slice::from_ref(&late)).await.unwrap();
    let (home, _) = leaves(&mut conn).await;

    let (mut now, mut turns) = (at(0), BTreeSet::new());
    for round in 1..=12 {
        let events = leaf_full(round * 1_000);
        outbox.append(&events).await.unwrap();
        let given = claimed(&outbox, 1_000, now).await;
        assert_eq!(ids(&given), ids_of(&events));
        acked(&outbox, &given).await;
        turns.insert(leaves(&mut conn).await.0);
        now += A_WHILE;
    }
    turns.remove(&home);
    assert_eq!(turns.len(), 7, "the turn came to all other leaves: {turns:?}");
    tx.commit().await.unwrap();
    let given = claimed(&outbox, 10, now).await;
    assert_eq!(ids(&given), [late.id], "from leaf {home}, which could not be emptied");
    acked(&outbox, &given).await;
}

#[tokio::test]
async fn entries_that_wait_long_do_not_keep_leaves_from_being_emptied() {
    const ROUNDS: u64 = 16;
    let (db, schema) = database().await;
    let outbox = PostgresOutbox::new(&db);
    let mut idle = schema.connection().await;
    idle.execute("BEGIN; SELECT txid_current()").await.unwrap();
    let mut conn = schema.connection().await;
    let (mut now, mut largest) = (at(0), 0);
    let far: Timestamp = at(1_000_000);
    for round in 1..=ROUNDS {
        let stuck = event(round, &format!("stuck_{round}"));
        outbox.append(&[vec![stuck], leaf_full(round * 1_000)].concat()).await.unwrap();
        let given = claimed(&outbox, 1_000, now).await;
        assert_eq!(given.len(), 251);
        acked(&outbox, &given[1..]).await;
        assert_eq!(outbox.settle(&[verdict(&given[0], Ruling::Retry(far))]).await.unwrap(), 1);
        largest = largest.max(leaves(&mut conn).await.1);
        now += A_WHILE;
    }
    assert!(largest < 100 << 20, "the leaves grew to {largest} bytes");
    // They are found wherever they were moved, in their order and once.
    let given = outbox.claim(1_000, far, seconds(30)).await.unwrap();
    assert_eq!(ids(&given), (1..=ROUNDS).map(event_id).collect::<Vec<_>>());
    assert!(given.iter().all(|claim| claim.attempts == 1));
    acked(&outbox, &given).await;
    assert_eq!(outbox.backlog().await.unwrap().waiting, 0);
}
