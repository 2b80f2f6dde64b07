//! The commonest write, one new link with its event, as one statement and so in one round trip.
//!
//! A statement is a transaction of its own. Its parts hang on each other: the link on the lease, which is locked first;
//! the event and the answer on the link.

use sqlx::postgres::PgConnection;
use uuid::Uuid;
use waypost_core::events::Event;
use waypost_core::links::{Change, Keyed, Link, LinkWrite, Refusal, Written};

use super::row::{self, link_columns};
use crate::postgres::columns::{Moment, Query};
use crate::postgres::error::Fault;
use crate::postgres::events::row::event_columns;
use crate::postgres::idempotency;

/// Makes the link. Its values are the parameters 1 to 17.
macro_rules! make {
    ($source:literal) => {
        concat!(
            "made AS (INSERT INTO waypost_link (",
            link_columns!(),
            ") SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17",
            $source,
            " ON CONFLICT DO NOTHING RETURNING id)"
        )
    };
}

/// Appends the event, as [`outbox::insert`](crate::postgres::outbox::insert) does. Its values are the parameters 18 to 26.
macro_rules! tell {
    () => {
        concat!(
            "INSERT INTO waypost_outbox (entry, turn, ordering, ",
            event_columns!(),
            ") SELECT nextval('waypost_outbox_number') * 8 + turn.last_value, turn.last_value, \
             $18, $19, $20, $21, $22, $23, $24, $25, $26 FROM made, waypost_outbox_turn AS turn"
        )
    };
}

/// Changes one row if the link was made, and none if its name is taken.
const CREATE: &str = concat!("WITH ", make!(""), tell!());

/// Changes one row if the link was made. The lease is the parameters 27 to 29, the answer 30 to 33.
const CREATE_KEYED: &str = concat!(
    "WITH lease AS (SELECT 1 FROM waypost_idempotency \
     WHERE workspace = $27 AND key = $28 AND token = $29 AND status IS NULL FOR UPDATE), ",
    make!(" FROM lease"),
    ", told AS (",
    tell!(),
    ") UPDATE waypost_idempotency AS kept SET status = $30, headers = $31, body = $32, over_at = $33 FROM made \
     WHERE kept.workspace = $27 AND kept.key = $28 AND kept.token = $29"
);

/// Makes the write, if it is such a one and nothing stands in its way. `None`: nothing was changed, and it takes
/// a transaction to say what became of it.
pub(super) async fn create(conn: &mut PgConnection, write: &LinkWrite<'_>) -> Result<Option<Written>, Fault> {
    let [(Change::Insert(link), Some(event))] = &write.changes[..] else {
        return Ok(None);
    };
    match &write.keyed {
        None => {
            let made = event_of(row::bind(sqlx::query(CREATE), link), event).execute(conn).await?.rows_affected();
            Ok(Some(Written::Committed(vec![if made > 0 { Ok(()) } else { Err(Refusal::SlugTaken) }])))
        }
        Some(keyed) => create_keyed(conn, link, event, keyed).await,
    }
}

async fn create_keyed(
    conn: &mut PgConnection,
    link: &Link,
    event: &Event,
    keyed: &Keyed<'_>,
) -> Result<Option<Written>, Fault> {
    let Some(answer) = (keyed.answer)(&[Ok(())]) else {
        return Ok(None);
    };
    let query = event_of(row::bind(sqlx::query(CREATE_KEYED), link), event);
    let query = idempotency::answered(idempotency::holding(query, keyed.lease), &answer, keyed.keep_until)?;
    let made = query.execute(conn).await?.rows_affected();
    Ok((made > 0).then(|| Written::Committed(vec![Ok(())])))
}

fn event_of<'q>(query: Query<'q>, event: &'q Event) -> Query<'q> {
    query
        .bind(event.ordering_key())
        .bind(Uuid::from_bytes(event.id.to_bytes()))
        .bind(event.kind.as_str())
        .bind(i32::from(event.version))
        .bind(Moment(event.created_at))
        .bind(Uuid::from_bytes(event.workspace.to_bytes()))
        .bind(event.subject.as_deref())
        .bind(event.traceparent.as_deref())
        .bind(event.data.as_str())
}
