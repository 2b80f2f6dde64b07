//! Statistics on the wire.

use serde::{Deserialize, Serialize};

use super::Time;
use crate::clicks;

/// What was counted for a link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Stats {
    /// The link.
    pub link_id: String,
    /// From this moment on.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = DateTime))]
    pub from: Time,
    /// Up to this moment.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = DateTime))]
    pub to: Time,
    /// How wide a bucket is: `hour`, `day`, `week` or `month`.
    pub interval: String,
    /// In the whole range.
    pub total: StatsCounts,
    /// By interval, oldest first; empty buckets are left out.
    pub series: Vec<StatsBucket>,
    /// What `groups` are grouped by.
    pub group_by: Option<String>,
    /// By value, largest first, at most 100. Kept by the day (UTC), so whole days are covered.
    pub groups: Vec<StatsGroup>,
}

/// How many clicks, and of which class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct StatsCounts {
    /// All: people, programs and repeats.
    pub counted: u64,
    /// People.
    pub human: u64,
    /// Programs.
    pub bot: u64,
    /// The same visitors again, within a short time.
    pub duplicate: u64,
}

/// What was counted in one interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct StatsBucket {
    /// When it begins.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = DateTime))]
    pub start: Time,
    /// What was counted.
    #[serde(flatten)]
    pub counts: StatsCounts,
}

/// What was counted for one value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct StatsGroup {
    /// The value; null where it is not known.
    pub value: Option<String>,
    /// What was counted.
    #[serde(flatten)]
    pub counts: StatsCounts,
}

impl From<clicks::Counts> for StatsCounts {
    fn from(counts: clicks::Counts) -> Self {
        Self { counted: counts.counted(), human: counts.human, bot: counts.bot, duplicate: counts.duplicate }
    }
}

impl Stats {
    /// Shows the answer to a query.
    pub fn of(query: &clicks::StatsQuery, stats: clicks::Stats) -> Self {
        let bucket = |bucket: clicks::Bucket| StatsBucket { start: bucket.start.into(), counts: bucket.counts.into() };
        let group = |group: clicks::Group| StatsGroup { value: group.value, counts: group.counts.into() };
        Self {
            link_id: query.link.to_string(),
            from: query.from.into(),
            to: query.to.into(),
            interval: query.interval.as_str().to_owned(),
            total: stats.total.into(),
            series: stats.series.into_iter().map(bucket).collect(),
            group_by: query.group_by.map(|facet| facet.as_str().to_owned()),
            groups: stats.groups.into_iter().map(group).collect(),
        }
    }
}
