//! How values stand in columns.

use jiff::Timestamp;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgArguments, PgHasArrayType, PgRow, PgTypeInfo, PgValueRef};
use sqlx::{Decode, Encode, Row as _, Type};
use uuid::Uuid;

use super::error::Fault;

/// The driver.
pub(super) type Driver = sqlx::Postgres;
/// A statement with its values.
pub(super) type Query<'q> = sqlx::query::Query<'q, Driver, PgArguments>;

/// Microseconds from the Unix epoch to PostgreSQL's, 2000-01-01.
const POSTGRES_EPOCH: i64 = 946_684_800_000_000;
/// The oldest moment that PostgreSQL knows, in 4714 BC, from its own epoch on; what is older is told as this one.
const OLDEST: i64 = -211_813_488_000_000_000;

/// A moment as `TIMESTAMPTZ`, to the microsecond. In binary it is a number of microseconds (PostgreSQL, "Date/Time
/// Types"), so no calendar is needed between the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment(pub(super) Timestamp);

impl Type<Driver> for Moment {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_name("TIMESTAMPTZ")
    }
}

impl PgHasArrayType for Moment {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::with_name("_TIMESTAMPTZ")
    }
}

impl Encode<'_, Driver> for Moment {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        <i64 as Encode<Driver>>::encode((self.0.as_microsecond() - POSTGRES_EPOCH).max(OLDEST), buffer)
    }
}

impl Decode<'_, Driver> for Moment {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        let micros = <i64 as Decode<Driver>>::decode(value)?;
        Ok(Self(Timestamp::from_microsecond(micros.saturating_add(POSTGRES_EPOCH))?))
    }
}

/// A count or number as PostgreSQL keeps it. Nothing of ours comes near 2^63.
pub(super) fn number(value: impl TryInto<i64>) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}

/// Reads columns by their place, in values of ours.
pub(super) trait Columns {
    /// A value that the driver knows.
    fn at<'r, T: Decode<'r, Driver> + Type<Driver>>(&'r self, place: usize) -> Result<T, Fault>;

    /// A moment.
    fn time(&self, place: usize) -> Result<Timestamp, Fault> {
        Ok(self.at::<Moment>(place)?.0)
    }

    /// A moment that may be missing.
    fn maybe_time(&self, place: usize) -> Result<Option<Timestamp>, Fault> {
        Ok(self.at::<Option<Moment>>(place)?.map(|moment| moment.0))
    }

    /// The bytes of an id that stands as `UUID`.
    fn id(&self, place: usize) -> Result<[u8; 16], Fault> {
        Ok(self.at::<Uuid>(place)?.into_bytes())
    }

    /// The bytes of a hash or a token, which stands as `BYTEA`.
    fn bytes<const N: usize>(&self, place: usize) -> Result<[u8; N], Fault> {
        let bytes: &[u8] = self.at(place)?;
        bytes.try_into().map_err(|_| Fault::Column("of bytes"))
    }

    /// A number that is never negative.
    fn count(&self, place: usize) -> Result<u64, Fault> {
        u64::try_from(self.at::<i64>(place)?).map_err(|_| Fault::Column("of a count"))
    }
}

impl Columns for PgRow {
    fn at<'r, T: Decode<'r, Driver> + Type<Driver>>(&'r self, place: usize) -> Result<T, Fault> {
        Ok(self.try_get(place)?)
    }
}
