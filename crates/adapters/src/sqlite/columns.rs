//! How values stand in columns.

use jiff::Timestamp;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Decode, Row as _, Sqlite, Type};

use super::error::Fault;

/// A statement with its values.
pub(super) type Query<'q> = sqlx::query::Query<'q, Sqlite, SqliteArguments>;

/// A moment as whole microseconds since the Unix epoch.
pub(super) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// A count or number as SQLite keeps it. Nothing of ours comes near 2^63.
pub(super) fn number(value: impl TryInto<i64>) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}

/// Reads columns by their place, in values of ours.
pub(super) trait Columns {
    /// A value that the driver knows.
    fn at<'r, T: Decode<'r, Sqlite> + Type<Sqlite>>(&'r self, place: usize) -> Result<T, Fault>;

    /// A moment.
    fn time(&self, place: usize) -> Result<Timestamp, Fault> {
        Timestamp::from_microsecond(self.at(place)?).map_err(|_| Fault::Column("of a moment"))
    }

    /// A moment that may be missing.
    fn maybe_time(&self, place: usize) -> Result<Option<Timestamp>, Fault> {
        let micros: Option<i64> = self.at(place)?;
        micros.map(Timestamp::from_microsecond).transpose().map_err(|_| Fault::Column("of a moment"))
    }

    /// The bytes of an id, a hash or a token.
    fn bytes<const N: usize>(&self, place: usize) -> Result<[u8; N], Fault> {
        let bytes: &[u8] = self.at(place)?;
        bytes.try_into().map_err(|_| Fault::Column("of an id"))
    }

    /// A number that is never negative.
    fn count(&self, place: usize) -> Result<u64, Fault> {
        u64::try_from(self.at::<i64>(place)?).map_err(|_| Fault::Column("of a count"))
    }
}

impl Columns for SqliteRow {
    fn at<'r, T: Decode<'r, Sqlite> + Type<Sqlite>>(&'r self, place: usize) -> Result<T, Fault> {
        Ok(self.try_get(place)?)
    }
}
