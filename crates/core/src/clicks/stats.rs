//! Statistics: what roll-ups can answer.

use jiff::Timestamp;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;

use super::Counts;
use crate::ids::{LinkId, WorkspaceId};

/// A question about the clicks of one link.
#[derive(Clone, Debug)]
pub struct StatsQuery {
    /// The workspace that asks.
    pub workspace: WorkspaceId,
    /// The link.
    pub link: LinkId,
    /// From this moment on, brought down to the hour.
    pub from: Timestamp,
    /// Up to this moment, brought up to the hour.
    pub to: Timestamp,
    /// How wide a bucket of the series is.
    pub interval: Interval,
    /// What to group by. Groups are kept by the day (UTC), so they cover whole days.
    pub group_by: Option<Facet>,
    /// How many groups, largest first.
    pub groups: usize,
}

/// How wide a bucket of a series is. Buckets begin at UTC hours, midnights, Mondays and firsts of the month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interval {
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// A week.
    Week,
    /// A month.
    Month,
}

impl Interval {
    /// The names on the wire.
    pub const ALLOWED: [&'static str; 4] = ["hour", "day", "week", "month"];

    /// Takes an interval by its name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Hour, Self::Day, Self::Week, Self::Month].into_iter().find(|interval| interval.as_str() == name)
    }

    /// The name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// The beginning of the bucket that `at` lies in.
    pub fn floor(self, at: Timestamp) -> Timestamp {
        let second = at.as_second();
        if self == Self::Hour {
            return Timestamp::from_second(second.div_euclid(3_600) * 3_600).unwrap_or(at);
        }
        let date = at.to_zoned(TimeZone::UTC).date();
        let first = match self {
            Self::Hour | Self::Day => date,
            Self::Week => {
                let back = date.weekday().since(Weekday::Monday);
                date.saturating_sub(jiff::Span::new().days(i64::from(back)))
            }
            Self::Month => date.first_of_month(),
        };
        first.to_zoned(TimeZone::UTC).map_or(at, |zoned| zoned.timestamp())
    }
}

/// What clicks can be grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Facet {
    /// The country of the address.
    Country,
    /// The host that visitors came from.
    Referrer,
    /// The browser's family.
    Browser,
    /// The operating system's family.
    Os,
    /// The kind of device.
    Device,
}

impl Facet {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Country, Self::Referrer, Self::Browser, Self::Os, Self::Device];

    /// Takes a facet by its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|facet| facet.as_str() == name)
    }

    /// The name on the wire and in a store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Country => "country",
            Self::Referrer => "referrer",
            Self::Browser => "browser",
            Self::Os => "os",
            Self::Device => "device",
        }
    }
}

/// What was counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// In the whole range.
    pub total: Counts,
    /// By interval, oldest first; buckets in which nothing was counted are left out.
    pub series: Vec<Bucket>,
    /// By the facet that was asked for, largest first.
    pub groups: Vec<Group>,
}

/// What was counted in one interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// When it begins.
    pub start: Timestamp,
    /// What was counted.
    pub counts: Counts,
}

/// What was counted for one value of a facet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The value; `None` where it is not known.
    pub value: Option<String>,
    /// What was counted.
    pub counts: Counts,
}

impl StatsQuery {
    /// Adds hourly counts, oldest first, up into the series that was asked for.
    pub fn series(&self, hours: impl IntoIterator<Item = (Timestamp, Counts)>) -> Vec<Bucket> {
        let mut series: Vec<Bucket> = Vec::new();
        for (hour, counts) in hours {
            let start = self.interval.floor(hour);
            match series.last_mut() {
                Some(last) if last.start == start => last.counts += counts,
                _ => series.push(Bucket { start, counts }),
            }
        }
        series
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_begin_where_calendars_do() {
        let at: Timestamp = "2026-11-20T14:35:07Z".parse().unwrap();
        for (interval, start) in [
            (Interval::Hour, "2026-11-20T14:00:00Z"),
            (Interval::Day, "2026-11-20T00:00:00Z"),
            (Interval::Week, "2026-11-16T00:00:00Z"),
            (Interval::Month, "2026-11-01T00:00:00Z"),
        ] {
            assert_eq!(interval.floor(at), start.parse().unwrap());
        }
    }
}
