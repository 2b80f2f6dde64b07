//! Clicks and their roll-ups in memory.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use waypost_core::Result;
use waypost_core::clicks::{
    Admission, Appended, Click, ClickAnchor, ClickId, ClickStore, Counts, Facet, Group, Interval, Owed, Stats,
    StatsQuery, Take, Tallies, Telling, Told,
};
use waypost_core::ids::{LinkId, WorkspaceId};

use super::MemoryStore;

/// Single clicks until they are forgotten, and what they add up to.
#[derive(Debug, Default)]
pub(super) struct Clicks {
    clicks: BTreeMap<ClickId, Click>,
    totals: HashMap<LinkId, (WorkspaceId, Counts)>,
    owed: BTreeMap<LinkId, Debt>,
    hours: BTreeMap<(LinkId, Timestamp), Counts>,
    facets: BTreeMap<(LinkId, Facet, Timestamp, Box<str>), Counts>,
}

/// What is owed for a link, and when it was told last; kept for as long as one of the two matters.
#[derive(Debug, Default)]
struct Debt {
    clicks: Counts,
    told_at: Option<Timestamp>,
}

impl Debt {
    fn is_paid(&self) -> bool {
        self.clicks == Counts::default()
    }

    fn must_wait(&self, telling: Telling<'_>) -> bool {
        let (since, until) = telling.held_up();
        self.told_at.is_some_and(|told_at| told_at > since && told_at <= until)
    }
}

impl Clicks {
    fn add(&mut self, tallies: &Tallies) {
        for ((workspace, link), counts) in &tallies.links {
            self.totals.entry(*link).or_insert((*workspace, Counts::default())).1 += *counts;
            self.owed.entry(*link).or_default().clicks += *counts;
        }
        for (key, counts) in &tallies.hours {
            *self.hours.entry(*key).or_default() += *counts;
        }
        for (key, counts) in &tallies.facets {
            *self.facets.entry(key.clone()).or_default() += *counts;
        }
    }

    /// What may be told, to the limit.
    fn due(&self, telling: Telling<'_>) -> Vec<Owed> {
        let due = self.owed.iter().filter(|(_, debt)| !debt.is_paid() && !debt.must_wait(telling));
        let owed = due.filter_map(|(link, debt)| {
            let (workspace, total) = *self.totals.get(link)?;
            Some(Owed { workspace, link: *link, clicks: debt.clicks, total })
        });
        owed.take(telling.limit).collect()
    }

    /// Notes what was told, forgets whom nothing holds up any more, and says when to come again.
    fn note(&mut self, owed: &[Owed], telling: Telling<'_>) -> Option<Timestamp> {
        for Owed { link, .. } in owed {
            self.owed.insert(*link, Debt { clicks: Counts::default(), told_at: Some(telling.now) });
        }
        self.owed.retain(|_, debt| !debt.is_paid() || debt.must_wait(telling));
        let owed = self.owed.values().filter(|debt| !debt.is_paid());
        owed.map(|debt| match debt.told_at {
            Some(told_at) if debt.must_wait(telling) => telling.again(told_at),
            _ => telling.now,
        })
        .min()
    }

    fn stats(&self, query: &StatsQuery) -> Stats {
        if self.totals.get(&query.link).map(|(workspace, _)| workspace) != Some(&query.workspace) {
            return Stats::default();
        }
        let range = whole(Interval::Hour, query);
        let hours =
            self.hours.range((query.link, range.0)..(query.link, range.1)).map(|((_, hour), counts)| (*hour, *counts));
        let mut total = Counts::default();
        hours.clone().for_each(|(_, counts)| total += counts);
        let groups = query.group_by.map_or_else(Vec::new, |facet| self.groups(facet, query));
        Stats { total, series: query.series(hours), groups }
    }

    fn groups(&self, facet: Facet, query: &StatsQuery) -> Vec<Group> {
        let (from, to) = whole(Interval::Day, query);
        let first = |day| (query.link, facet, day, Box::from(""));
        let mut sums = BTreeMap::<&str, Counts>::new();
        for ((_, _, _, value), counts) in self.facets.range(first(from)..first(to)) {
            *sums.entry(value).or_default() += *counts;
        }
        let mut groups: Vec<_> = sums
            .into_iter()
            .map(|(value, counts)| Group { value: (!value.is_empty()).then(|| value.to_owned()), counts })
            .collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.counts.counted()));
        groups.truncate(query.groups);
        groups
    }
}

/// The range of a query brought to whole hours or days.
fn whole(interval: Interval, query: &StatsQuery) -> (Timestamp, Timestamp) {
    let width = Duration::from_secs(if interval == Interval::Hour { 3_600 } else { 86_400 });
    let last = interval.floor(query.to);
    let from = interval.floor(query.from);
    let to = if last == query.to { last } else { last.saturating_add(width).unwrap_or(last) };
    // A range that ends before it begins holds nothing.
    (from, to.max(from))
}

#[async_trait]
impl ClickStore for MemoryStore {
    async fn append(&self, clicks: &[Click]) -> Result<Appended> {
        let mut state = self.begin()?;
        let fresh: BTreeMap<_, _> = clicks
            .iter()
            .filter(|click| !state.clicks.clicks.contains_key(&click.id))
            .map(|click| (click.id, click))
            .collect();
        let tallies = Tallies::of(fresh.values().copied());
        let counted = fresh.len();
        state.clicks.clicks.extend(fresh.into_values().map(|click| (click.id, click.clone())));
        state.clicks.add(&tallies);
        for ((_, link), counts) in &tallies.links {
            if let Some(link) = state.links.get_mut(*link) {
                link.clicks += counts.counted();
            }
        }
        Ok(Appended { counted, repeated: clicks.len() - counted })
    }

    async fn tell(&self, telling: Telling<'_>) -> Result<Told> {
        let mut state = self.begin()?;
        let owed = state.clicks.due(telling);
        if !owed.is_empty() {
            let events = (telling.events)(&owed);
            state.outbox.append(events);
        }
        let next = state.clicks.note(&owed, telling);
        drop(state);
        if !owed.is_empty() {
            self.wake();
        }
        Ok(Told { links: owed.len(), next })
    }

    async fn admit(&self, link: LinkId, take: Take) -> Result<Admission> {
        let mut state = self.begin()?;
        let Some(link) = state.links.get_mut(link) else {
            return Ok(Admission::Gone);
        };
        Ok(match link.max_clicks {
            Some(max) if link.admitted >= max.get() => Admission::UsedUp,
            Some(_) if take == Take::One => {
                link.admitted += 1;
                Admission::Admitted
            }
            _ => Admission::Admitted,
        })
    }

    async fn stats(&self, query: &StatsQuery) -> Result<Stats> {
        Ok(self.begin()?.clicks.stats(query))
    }

    async fn list(&self, workspace: WorkspaceId, after: Option<ClickAnchor>, limit: usize) -> Result<Vec<Click>> {
        let state = self.begin()?;
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        let clicks = state.clicks.clicks.range((after, Bound::Unbounded)).map(|(_, click)| click);
        Ok(clicks.filter(|click| click.workspace == workspace).take(limit).cloned().collect())
    }

    async fn forget(&self, before: Timestamp, limit: usize) -> Result<usize> {
        let mut state = self.begin()?;
        let old = state.clicks.clicks.extract_if(.., |_, click| click.at < before);
        Ok(old.take(limit).count())
    }
}
