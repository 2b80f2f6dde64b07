//! A day, and its partition of a table.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use waypost_core::clicks::Interval;

/// A day (UTC), by its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::postgres) struct Day(Timestamp);

impl Day {
    /// The day that `at` lies in.
    pub(in crate::postgres) fn of(at: Timestamp) -> Self {
        Self(Interval::Day.floor(at))
    }

    /// The day of a partition with this name.
    pub(super) fn of_part(name: &str) -> Option<Self> {
        let date = Date::strptime("%Y%m%d", name.rsplit_once('_')?.1).ok()?;
        Some(Self(date.to_zoned(TimeZone::UTC).ok()?.timestamp()))
    }

    /// When it begins.
    pub(in crate::postgres) fn start(self) -> Timestamp {
        self.0
    }

    /// The day after it.
    pub(in crate::postgres) fn next(self) -> Self {
        Self(self.0.saturating_add(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MAX))
    }

    /// Its partition of `table`. Names sort as days do.
    pub(in crate::postgres) fn part_of(self, table: &str) -> String {
        format!("{table}_{}", self.0.to_zoned(TimeZone::UTC).strftime("%Y%m%d"))
    }

    /// Makes its partition of `table`.
    ///
    /// `ATTACH` lets those who read and write the other days go on; `CREATE … PARTITION OF` would not. A table that is
    /// there already was detached by a retention that did not come to its end.
    pub(super) fn make(self, table: &str) -> String {
        let part = self.part_of(table);
        format!("CREATE TABLE IF NOT EXISTS {part} (LIKE {table}); {}", self.attach(table))
    }

    /// Makes its partition one of `table` again.
    pub(super) fn attach(self, table: &str) -> String {
        let (part, next) = (self.part_of(table), self.next().0);
        format!("ALTER TABLE {table} ATTACH PARTITION {part} FOR VALUES FROM ('{}') TO ('{next}')", self.0)
    }
}

#[cfg(test)]
mod tests {
    use waypost_core::conformance::fixtures::at;

    use super::*;

    #[test]
    fn a_day_is_read_off_the_name_of_its_part() {
        let day = Day::of(at(86_399));
        assert_eq!((day, day.part_of("waypost_click").as_str()), (Day::of(at(0)), "waypost_click_20261102"));
        assert_eq!(Day::of_part("waypost_delivery_failed_20261102"), Some(day));
        assert_eq!((Day::of_part("waypost_click_notes"), Day::of_part("x")), (None, None));
        assert_eq!(day.next(), Day::of(at(86_400)));
    }
}
