//! A delivery as columns.

use sqlx::sqlite::SqliteRow;
use waypost_core::events::{Epoch, Position};
use waypost_core::ids::{DeliveryId, WebhookId};
use waypost_core::webhooks::Delivery;

use crate::sqlite::columns::{Columns as _, Query, number};
use crate::sqlite::error::Fault;
use crate::sqlite::events::row;

/// The columns of a delivery, in the order of [`bind`] and [`read`].
macro_rules! delivery_columns {
    () => {
        "d.endpoint, d.epoch, d.place, d.ordering, d.id, d.type, d.version, d.created_at, d.workspace, d.subject, \
         d.traceparent, d.data"
    };
}
pub(super) use delivery_columns;

/// How many they are.
pub(super) const VALUES: usize = 4 + row::VALUES;

const MILLIS_OF_A_DAY: u64 = 86_400_000;

/// The day of a delivery's event (UTC), counted from 1970-01-01. By its id, which begins with the moment at which it was
/// made: so a day is a range of ids, and needs no index of its own.
pub(super) fn day(id: DeliveryId) -> i64 {
    let id = id.to_bytes();
    let millis = u64::from_be_bytes([0, 0, id[0], id[1], id[2], id[3], id[4], id[5]]);
    number(millis / MILLIS_OF_A_DAY)
}

/// The bytes that every id of a day lies at or after.
pub(super) fn first_of(day: i64) -> [u8; 16] {
    let millis = u64::try_from(day).unwrap_or(0).saturating_mul(MILLIS_OF_A_DAY);
    (u128::from(millis) << 80).to_be_bytes()
}

/// Binds a delivery.
pub(super) fn bind<'q>(query: Query<'q>, delivery: &Delivery) -> Query<'q> {
    let query = query
        .bind(delivery.endpoint.to_bytes().to_vec())
        // All 64 bits, as the sign that SQLite's integers have.
        .bind(delivery.position.epoch.0.cast_signed())
        .bind(number(delivery.position.offset))
        .bind(delivery.ordering.clone());
    row::bind(query, &delivery.event)
}

/// Reads a delivery whose columns begin at `from`.
pub(super) fn read(row: &SqliteRow, from: usize) -> Result<Delivery, Fault> {
    let epoch = Epoch(row.at::<i64>(from + 1)?.cast_unsigned());
    Ok(Delivery {
        endpoint: WebhookId::from_bytes(row.bytes(from)?),
        position: Position { epoch, offset: row.count(from + 2)? },
        ordering: row.at(from + 3)?,
        event: row::read(row, from + 4)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_a_range_of_ids() {
        let first = first_of(20_000);
        let before = (u128::from_be_bytes(first) - 1).to_be_bytes();
        assert_eq!((day(DeliveryId::from_bytes(first)), day(DeliveryId::from_bytes(before))), (20_000, 19_999));
    }
}
