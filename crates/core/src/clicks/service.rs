//! Statistics for those who may see them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{Timestamp, ToSpan};

use super::{ClickStore, Facet, Interval, Stats, StatsQuery};
use crate::clock::Clock;
use crate::credentials::{Principal, Scope};
use crate::engine::{Engine, Next};
use crate::error::{Error, Result};
use crate::fields::Fields;
use crate::ids::LinkId;
use crate::links::LinkStore;

/// The most buckets of one series: a month by the hour, two years by the day.
const MOST_BUCKETS: i64 = 750;
/// The most groups of one answer.
const MOST_GROUPS: usize = 100;

/// Answers questions about clicks.
#[derive(Clone, Debug)]
pub struct Analytics {
    clicks: Arc<dyn ClickStore>,
    links: Arc<dyn LinkStore>,
    clock: Arc<dyn Clock>,
}

impl Analytics {
    /// Over the stores.
    pub fn new(clicks: Arc<dyn ClickStore>, links: Arc<dyn LinkStore>, clock: Arc<dyn Clock>) -> Self {
        Self { clicks, links, clock }
    }

    /// What was counted for a link: `from`, `to` (the last 30 days if absent), `interval` (chosen by the length of the
    /// range if absent) and `group_by` are read from `fields`.
    ///
    /// # Errors
    /// [`NotFound`](crate::Kind::NotFound) where the link is not there for the principal;
    /// [`Invalid`](crate::Kind::Invalid) for faulty fields.
    pub async fn stats(&self, who: &Principal, link: LinkId, fields: Fields) -> Result<(StatsQuery, Stats)> {
        who.require(Scope::AnalyticsRead)?;
        let query = self.read(who, link, fields)?;
        if self.links.get(who.workspace, link).await?.is_none() {
            return Err(Error::not_found("link"));
        }
        let stats = self.clicks.stats(&query).await?;
        Ok((query, stats))
    }

    fn read(&self, who: &Principal, link: LinkId, mut fields: Fields) -> Result<StatsQuery> {
        let now = self.clock.now();
        let to = fields.time("to").value().unwrap_or(now);
        let from = fields.time("from").value().unwrap_or_else(|| to.saturating_sub(720.hours()).unwrap_or(to));
        let interval = fields.text("interval", |name| {
            Interval::parse(name).ok_or_else(|| format!("must be one of {}", Interval::ALLOWED.join(", ")))
        });
        let group_by = fields.text("group_by", |name| {
            Facet::parse(name).ok_or_else(|| format!("must be one of {}", Facet::ALL.map(Facet::as_str).join(", ")))
        });
        let hours = to.duration_since(from).as_hours();
        if from >= to {
            fields.fault("from", "must lie before `to`");
        }
        let interval = interval.value().unwrap_or(match hours {
            ..=72 => Interval::Hour,
            73..=2_400 => Interval::Day,
            2_401..=17_520 => Interval::Week,
            _ => Interval::Month,
        });
        let width = match interval {
            Interval::Hour => 1,
            Interval::Day => 24,
            Interval::Week => 168,
            Interval::Month => 672,
        };
        if hours / width > MOST_BUCKETS {
            fields
                .fault("interval", format!("makes more than {MOST_BUCKETS} buckets of this range; choose a wider one"));
        }
        fields.finish()?;
        let hour = Interval::Hour;
        let whole = hour.floor(to);
        let next = whole.saturating_add(Duration::from_secs(3_600)).unwrap_or(Timestamp::MAX);
        let to = if whole == to { to } else { next };
        let query = StatsQuery {
            workspace: who.workspace,
            link,
            from: hour.floor(from),
            to,
            interval,
            group_by: group_by.value(),
            groups: MOST_GROUPS,
        };
        Ok(query)
    }
}

/// Forgets single clicks that are older than they need to be kept; what they add up to stays.
#[derive(Debug)]
pub struct ClickRetention {
    store: Arc<dyn ClickStore>,
    keep: Duration,
}

impl ClickRetention {
    /// Keeps the clicks of `store` for `keep`.
    pub fn new(store: Arc<dyn ClickStore>, keep: Duration) -> Self {
        Self { store, keep }
    }
}

#[async_trait]
impl Engine for ClickRetention {
    fn name(&self) -> &'static str {
        "click_retention"
    }

    async fn step(&mut self, now: Timestamp) -> Result<Next> {
        const BATCH: usize = 5_000;
        let forgotten = self.store.forget(now - self.keep, BATCH).await?;
        Ok(if forgotten >= BATCH { Next::Now } else { Next::At(now + Duration::from_secs(600)) })
    }
}
