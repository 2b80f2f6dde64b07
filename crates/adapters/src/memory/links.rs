//! Links in memory.

use std::cmp::Ordering;
use std::collections::HashMap;

use async_trait::async_trait;
use jiff::Timestamp;
use waypost_core::Result;
use waypost_core::ids::{LinkId, WorkspaceId};
use waypost_core::links::{
    Atomicity, Change, Direction, Domain, Link, LinkAnchor, LinkQuery, LinkSort, LinkStore, LinkWrite, Outcome,
    Refusal, Slug, Version, Written,
};
use waypost_core::page::Page;

use super::MemoryStore;

/// The rows, and the names that they hold.
#[derive(Debug, Default)]
pub(super) struct Links {
    rows: HashMap<LinkId, Row>,
    names: HashMap<(Domain, Slug), LinkId>,
}

#[derive(Clone, Debug)]
struct Row {
    link: Link,
    /// Whether its expiry has been told.
    told: bool,
}

impl Links {
    /// The link, for the columns that belong to clicks.
    pub(super) fn get_mut(&mut self, id: LinkId) -> Option<&mut Link> {
        self.rows.get_mut(&id).map(|row| &mut row.link)
    }

    fn find(&self, domain: &Domain, slug: &Slug) -> Option<&Link> {
        let id = self.names.get(&(domain.clone(), slug.clone()))?;
        self.rows.get(id).map(|row| &row.link)
    }

    /// Puts a row in the place of the one with its id, names included.
    fn replace(&mut self, id: LinkId, row: Option<Row>) {
        if let Some(old) = self.rows.remove(&id) {
            self.names.remove(&(old.link.domain, old.link.slug));
        }
        if let Some(row) = row {
            self.names.insert((row.link.domain.clone(), row.link.slug.clone()), id);
            self.rows.insert(id, row);
        }
    }

    fn apply(&mut self, change: Change) -> Outcome {
        match change {
            Change::Insert(link) => {
                self.free(&link)?;
                let link = Link { admitted: 0, clicks: 0, ..*link };
                self.replace(link.id, Some(Row { link, told: false }));
            }
            Change::Update { link, expected } => {
                let row = self.expected(link.workspace, link.id, expected)?.clone();
                self.free(&link)?;
                let told = row.told && row.link.expires_at == link.expires_at;
                let link = Link { admitted: row.link.admitted, clicks: row.link.clicks, ..*link };
                self.replace(link.id, Some(Row { link, told }));
            }
            Change::Delete { workspace, id, expected } => {
                self.expected(workspace, id, expected)?;
                self.replace(id, None);
            }
            Change::Expire { workspace, id, expected } => {
                let row = self.expected(workspace, id, expected)?;
                if row.told {
                    return Err(Refusal::Stale);
                }
                row.told = true;
            }
        }
        Ok(())
    }

    /// Refuses a name that another link has.
    fn free(&self, link: &Link) -> Outcome {
        match self.find(&link.domain, &link.slug) {
            Some(holder) if holder.id != link.id => Err(Refusal::SlugTaken),
            _ => Ok(()),
        }
    }

    fn expected(&mut self, workspace: WorkspaceId, id: LinkId, expected: Version) -> Result<&mut Row, Refusal> {
        let row = self.rows.get_mut(&id).filter(|row| row.link.workspace == workspace).ok_or(Refusal::NotFound)?;
        if row.link.version == expected { Ok(row) } else { Err(Refusal::Stale) }
    }

    /// Applies changes in order; says what became of each, and whose events are to be told.
    fn apply_all<E>(&mut self, changes: Vec<(Change, Option<E>)>, atomicity: Atomicity) -> (Vec<Outcome>, Vec<E>) {
        let (mut outcomes, mut events, mut before) = (Vec::new(), Vec::new(), Vec::new());
        for (change, event) in changes {
            let id = id_of(&change);
            let row = self.rows.get(&id).cloned();
            let outcome = self.apply(change);
            if outcome.is_ok() {
                before.push((id, row));
                events.extend(event);
            }
            outcomes.push(outcome);
        }
        if atomicity == Atomicity::All && outcomes.iter().any(Result::is_err) {
            for (id, row) in before.into_iter().rev() {
                self.replace(id, row);
            }
            events.clear();
            for outcome in &mut outcomes {
                *outcome = outcome.and(Err(Refusal::Undone));
            }
        }
        (outcomes, events)
    }
}

fn id_of(change: &Change) -> LinkId {
    match change {
        Change::Insert(link) | Change::Update { link, .. } => link.id,
        Change::Delete { id, .. } | Change::Expire { id, .. } => *id,
    }
}

/// Where `anchor` lies in the order of `sort`, seen from `other`.
fn compare(anchor: &LinkAnchor, other: &LinkAnchor, sort: LinkSort) -> Ordering {
    match sort.direction {
        Direction::Ascending => anchor.cmp(other),
        Direction::Descending => other.cmp(anchor),
    }
}

#[async_trait]
impl LinkStore for MemoryStore {
    async fn get(&self, workspace: WorkspaceId, id: LinkId) -> Result<Option<Link>> {
        let state = self.begin()?;
        let row = state.links.rows.get(&id).filter(|row| row.link.workspace == workspace);
        Ok(row.map(|row| row.link.clone()))
    }

    async fn find(&self, domain: &Domain, slug: &Slug) -> Result<Option<Link>> {
        Ok(self.begin()?.links.find(domain, slug).cloned())
    }

    async fn list(&self, query: &LinkQuery) -> Result<Page<Link, LinkAnchor>> {
        let state = self.begin()?;
        let anchor = |link: &Link| LinkAnchor::of(link, query.sort);
        let mut rows: Vec<_> = state
            .links
            .rows
            .values()
            .map(|row| &row.link)
            .filter(|link| link.workspace == query.workspace && query.filter.admits(link))
            .map(|link| (anchor(link), link))
            .filter(|(place, _)| {
                query.after.as_ref().is_none_or(|after| compare(place, after, query.sort) == Ordering::Greater)
            })
            .collect();
        rows.sort_by(|(one, _), (other, _)| compare(one, other, query.sort));
        // One more than asked for, by which the page knows that there is a next one.
        let rows = rows.into_iter().take(query.limit.get() + 1).map(|(_, link)| link.clone()).collect();
        Ok(Page::cut(rows, query.limit, anchor))
    }

    async fn write(&self, write: LinkWrite<'_>) -> Result<Written> {
        let mut state = self.begin()?;
        if write.keyed.is_some_and(|keyed| !state.claims.holds(keyed.lease)) {
            return Ok(Written::Superseded);
        }
        let (outcomes, events) = state.links.apply_all(write.changes, write.atomicity);
        if let Some(keyed) = write.keyed
            && let Some(answer) = (keyed.answer)(&outcomes)
        {
            state.claims.complete(keyed.lease, answer, keyed.keep_until);
        }
        state.outbox.append(events);
        drop(state);
        self.wake();
        Ok(Written::Committed(outcomes))
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Link>> {
        let state = self.begin()?;
        let rows = state.links.rows.values().filter(|row| !row.told);
        let mut due: Vec<_> = rows
            .filter_map(|row| row.link.expires_at.filter(|at| *at <= now).map(|at| (at, row.link.id, &row.link)))
            .collect();
        due.sort_by_key(|(at, id, _)| (*at, *id));
        Ok(due.into_iter().take(limit).map(|(_, _, link)| link.clone()).collect())
    }
}
