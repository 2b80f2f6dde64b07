//! Appending entries, at the leaf whose turn it is.

use sqlx::postgres::PgConnection;
use waypost_core::events::Event;

use crate::postgres::error::Fault;
use crate::postgres::events::row::{self, event_arrays, event_columns};

/// The turn is read by the statement itself, once: entries of one call stand in one leaf. A leaf that is emptied just
/// then has the statement wait, and is appended to afterwards.
const APPEND: &str = concat!(
    "WITH turn AS MATERIALIZED (SELECT last_value AS now FROM waypost_outbox_turn) INSERT INTO waypost_outbox \
     (entry, turn, ordering, ",
    event_columns!(),
    ") SELECT nextval('waypost_outbox_number') * 8 + turn.now, turn.now, ordering, ",
    event_columns!(),
    " FROM turn, ROWS FROM (",
    event_arrays!(),
    ", UNNEST($9::text[])) WITH ORDINALITY AS event (",
    event_columns!(),
    ", ordering, place) ORDER BY place"
);

/// Two appends that share a key run one after the other, from before they draw their numbers until they commit: what
/// commits later has the higher number (outbox 4). Keys share 2,048 locks, which the server's table of locks has room
/// for however many keys there are; they are taken in one order, so that no two appends wait for each other.
const LOCK_KEYS: &str = "SELECT pg_advisory_xact_lock('waypost_outbox'::regclass::oid::int4, lock) FROM \
    (SELECT DISTINCT hashtext(key) & 2047 AS lock FROM UNNEST($1::text[]) AS key ORDER BY lock) AS locks";

/// Appends events within a transaction of ours, each the first of its key.
pub(in crate::postgres) async fn insert(conn: &mut PgConnection, events: &[&Event]) -> Result<(), Fault> {
    if events.is_empty() {
        return Ok(());
    }
    let ordering: Vec<_> = events.iter().map(|event| event.ordering_key()).collect();
    row::bind(sqlx::query(APPEND), events).bind(ordering).execute(conn).await?;
    Ok(())
}

/// Appends events within any transaction. Its locks are the last that a transaction of ours takes.
pub(in crate::postgres) async fn insert_in_order(conn: &mut PgConnection, events: &[&Event]) -> Result<(), Fault> {
    if events.is_empty() {
        return Ok(());
    }
    let keys: Vec<_> = events.iter().map(|event| event.ordering_key()).collect();
    sqlx::query(LOCK_KEYS).bind(keys).execute(&mut *conn).await?;
    insert(conn, events).await
}
