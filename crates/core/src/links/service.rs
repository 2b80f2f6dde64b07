//! The use cases of links: create, read, list, edit, delete.

use std::sync::Arc;

use jiff::Timestamp;

use super::{
    Atomicity, Change, Changes, Draft, Edit, Keyed, Link, LinkAnchor, LinkQuery, LinkStore, LinkWrite, Metadata,
    Outcome, RedirectStatus, Refusal, Site, Slug, Tags, Version, Written,
};
use crate::clock::Clock;
use crate::credentials::{Principal, Scope};
use crate::entropy::Entropy;
use crate::error::{Error, Issue, Kind, Result};
use crate::events::{Event, EventType, Payload};
use crate::idempotency::{Answer, Lease};
use crate::ids::{EventId, LinkId};
use crate::page::{Cursors, InvalidCursor, Page};
use crate::wire::v1;

/// How often a random slug is drawn before the space counts as full.
const DRAWS: usize = 8;
/// How often an edit without a precondition is tried against others' edits. Of those that race one wins each time, so
/// this is how many may edit one link at once before somebody is asked to come back.
const RACES: usize = 256;
/// The most links of one bulk create (§2).
pub const MOST_AT_ONCE: usize = 1_000;

/// The lease that a write runs under, and the answer that commits with it.
///
/// `answer` is called for what is about to be committed, perhaps more than once; what was committed is kept.
pub struct Once<'a, T: ?Sized> {
    /// The claim.
    pub lease: &'a Lease,
    /// Until when the answer is kept.
    pub keep_until: Timestamp,
    /// Makes the answer.
    pub answer: &'a (dyn Fn(&T) -> Answer + Send + Sync),
}

// Derived, these would demand the same of `T`, of which only a reference is passed on.
impl<T: ?Sized> Clone for Once<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for Once<'_, T> {}

/// What became of one item of a bulk create.
pub type Created = Result<Link>;

/// The use cases of links.
#[derive(Clone, Debug)]
pub struct Links {
    store: Arc<dyn LinkStore>,
    changes: Arc<Changes>,
    cursors: Arc<Cursors>,
    site: Arc<Site>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Links {
    /// Over `store`; `changes` is told of every one.
    pub fn new(
        store: Arc<dyn LinkStore>,
        changes: Arc<Changes>,
        cursors: Arc<Cursors>,
        site: Arc<Site>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self { store, changes, cursors, site, clock, entropy }
    }

    /// Makes a link. When this returns, the link, its `link.created` and the answer are durable, all three.
    ///
    /// # Errors
    /// [`AlreadyExists`](Kind::AlreadyExists) for a slug that is taken; [`Conflict`](Kind::Conflict) if the lease was
    /// lost meanwhile.
    pub async fn create(&self, who: &Principal, draft: Draft, once: Option<Once<'_, Link>>) -> Result<Link> {
        who.require(Scope::LinksWrite)?;
        for _ in 0..DRAWS {
            let link = self.make(who, &draft)?;
            let event = self.event(who, "link.created", &link)?;
            let answer = |outcomes: &[Outcome]| match (once, outcomes) {
                (Some(once), [Ok(())]) => Some((once.answer)(&link)),
                _ => None,
            };
            let write = LinkWrite {
                changes: vec![(Change::Insert(Box::new(link.clone())), Some(event))],
                atomicity: Atomicity::All,
                keyed: once.map(|once| Keyed { lease: once.lease, keep_until: once.keep_until, answer: &answer }),
            };
            match self.commit(write).await?.first() {
                Some(Ok(())) => {
                    self.changes.note(&link.domain, &link.slug);
                    return Ok(link);
                }
                Some(Err(Refusal::SlugTaken)) if draft.slug.is_none() => {}
                Some(Err(refusal)) => return Err(refused(*refusal, &link.slug, "slug")),
                None => return Err(Error::internal("the store gave no outcome for a change")),
            }
        }
        Err(Error::internal("every random slug that was drawn is taken"))
    }

    /// Makes many links. With [`Atomicity::All`] all of them or none; else each for itself, faulty drafts included.
    ///
    /// # Errors
    /// With [`Atomicity::All`], what is wrong with any of them, under the paths `items[n]…`.
    pub async fn create_many(
        &self,
        who: &Principal,
        drafts: Vec<Result<Draft, Vec<Issue>>>,
        atomicity: Atomicity,
        once: Option<Once<'_, [Created]>>,
    ) -> Result<Vec<Created>> {
        who.require(Scope::LinksWrite)?;
        if atomicity == Atomicity::All {
            let issues: Vec<_> = drafts.iter().filter_map(|draft| draft.as_ref().err()).flatten().cloned().collect();
            if !issues.is_empty() {
                return Err(Error::invalid(issues));
            }
        }
        let mut items: Vec<Created> = Vec::with_capacity(drafts.len());
        for draft in drafts {
            items.push(match draft {
                Ok(draft) => Ok(self.make_unlike(who, draft).await?),
                Err(issues) => Err(Error::invalid(issues)),
            });
        }
        let mut changes = Vec::with_capacity(items.len());
        for link in items.iter().flatten() {
            let event = self.event(who, "link.created", link)?;
            changes.push((Change::Insert(Box::new(link.clone())), Some(event)));
        }
        let answer = |outcomes: &[Outcome]| {
            let once = once?;
            let whole = atomicity == Atomicity::Each || outcomes.iter().all(Result::is_ok);
            whole.then(|| (once.answer)(&settle(&items, outcomes)))
        };
        let write = LinkWrite {
            changes,
            atomicity,
            keyed: once.map(|once| Keyed { lease: once.lease, keep_until: once.keep_until, answer: &answer }),
        };
        let outcomes = self.commit(write).await?;
        let created = settle(&items, &outcomes);
        if atomicity == Atomicity::All {
            let at = outcomes.iter().position(|outcome| matches!(outcome, Err(refusal) if *refusal != Refusal::Undone));
            if let Some((at, Ok(link))) = at.and_then(|at| Some((at, items.get(at)?))) {
                let issue = Issue::new(format!("items[{at}].slug"), format!("{:?} is taken", link.slug));
                return Err(Error::new(Kind::AlreadyExists, "The slug of an item is taken").with_issues(vec![issue]));
            }
        }
        for link in created.iter().flatten() {
            self.changes.note(&link.domain, &link.slug);
        }
        Ok(created)
    }

    /// The link with this id.
    ///
    /// # Errors
    /// [`NotFound`](Kind::NotFound) where there is none in the principal's workspace.
    pub async fn get(&self, who: &Principal, id: LinkId) -> Result<Link> {
        who.require(Scope::LinksRead)?;
        self.fetch(who, id).await
    }

    /// One page of the workspace's links, and the cursor of the next. `query.workspace` and `query.after` are set here.
    ///
    /// # Errors
    /// [`InvalidCursor`](Kind::InvalidCursor) for a cursor of another listing.
    pub async fn list(
        &self,
        who: &Principal,
        mut query: LinkQuery,
        cursor: Option<&str>,
    ) -> Result<Page<Link, String>> {
        who.require(Scope::LinksRead)?;
        query.workspace = who.workspace;
        let binding = query.binding();
        if let Some(cursor) = cursor {
            let bytes = self.cursors.open(&binding, cursor)?;
            query.after = Some(LinkAnchor::from_bytes(&bytes, query.sort).map_err(|InvalidCursor| InvalidCursor)?);
        }
        let page = self.store.list(&query).await?;
        let next = page.next.map(|anchor| self.cursors.seal(&binding, &anchor.to_bytes()));
        Ok(Page { rows: page.rows, next })
    }

    /// Edits a link. `read` reads the body only once the link and its version are known to be right, so a stale
    /// version is told before a faulty field (RFC 9110 §13.2.1).
    ///
    /// # Errors
    /// [`NotFound`](Kind::NotFound); [`VersionMismatch`](Kind::VersionMismatch) if `expected` is not the link's
    /// version; those of `read`.
    pub async fn update(
        &self,
        who: &Principal,
        id: LinkId,
        expected: impl Fn(&Link) -> bool + Send,
        read: impl FnOnce() -> Result<Edit> + Send,
        once: Option<Once<'_, Link>>,
    ) -> Result<Link> {
        who.require(Scope::LinksWrite)?;
        let mut link = self.expect(who, id, &expected).await?;
        let edit = read()?;
        for _ in 0..RACES {
            let now = self.clock.now();
            let before = link.version;
            edit.clone().apply(&mut link, now)?;
            link.version = before.next();
            link.updated_at = now;
            let event = self.event(who, "link.updated", &link)?;
            let answer = |outcomes: &[Outcome]| match (once, outcomes) {
                (Some(once), [Ok(())]) => Some((once.answer)(&link)),
                _ => None,
            };
            let write = LinkWrite {
                changes: vec![(Change::Update { link: Box::new(link.clone()), expected: before }, Some(event))],
                atomicity: Atomicity::All,
                keyed: once.map(|once| Keyed { lease: once.lease, keep_until: once.keep_until, answer: &answer }),
            };
            let outcomes = self.commit(write).await;
            // A write whose outcome is not known may have been made.
            self.changes.note(&link.domain, &link.slug);
            match outcomes?.first() {
                Some(Ok(())) => return Ok(link),
                // Another edit came first: ours is applied to what it left, if the caller allows any version.
                Some(Err(Refusal::Stale)) => link = self.expect(who, id, &expected).await?,
                Some(Err(refusal)) => return Err(refused(*refusal, &link.slug, "slug")),
                None => return Err(Error::internal("the store gave no outcome for a change")),
            }
        }
        Err(crowded())
    }

    /// Deletes a link. Its slug is free at once.
    ///
    /// # Errors
    /// As [`update`](Self::update).
    pub async fn delete(&self, who: &Principal, id: LinkId, expected: impl Fn(&Link) -> bool + Send) -> Result<()> {
        who.require(Scope::LinksWrite)?;
        for _ in 0..RACES {
            let link = self.expect(who, id, &expected).await?;
            let event = self.event(who, "link.deleted", &link)?;
            let change = Change::Delete { workspace: who.workspace, id, expected: link.version };
            let write = LinkWrite { changes: vec![(change, Some(event))], atomicity: Atomicity::All, keyed: None };
            let outcomes = self.commit(write).await;
            // A write whose outcome is not known may have been made.
            self.changes.note(&link.domain, &link.slug);
            match outcomes?.first() {
                Some(Ok(())) => return Ok(()),
                Some(Err(Refusal::Stale)) => {}
                Some(Err(refusal)) => return Err(refused(*refusal, &link.slug, "slug")),
                None => return Err(Error::internal("the store gave no outcome for a change")),
            }
        }
        Err(crowded())
    }

    async fn fetch(&self, who: &Principal, id: LinkId) -> Result<Link> {
        self.store.get(who.workspace, id).await?.ok_or_else(|| Error::not_found("link"))
    }

    async fn expect(&self, who: &Principal, id: LinkId, expected: &(impl Fn(&Link) -> bool + Send)) -> Result<Link> {
        let link = self.fetch(who, id).await?;
        if expected(&link) {
            return Ok(link);
        }
        Err(Error::new(Kind::VersionMismatch, "The link is not at a version that If-Match or If-None-Match allows"))
    }

    async fn commit(&self, write: LinkWrite<'_>) -> Result<Vec<Outcome>> {
        match self.store.write(write).await? {
            Written::Committed(outcomes) => Ok(outcomes),
            Written::Superseded => {
                Err(Error::new(Kind::Conflict, "The request took so long that a retry of it took over"))
            }
        }
    }

    /// A link out of a draft; with a random slug if none was chosen.
    fn make(&self, who: &Principal, draft: &Draft) -> Result<Link> {
        let now = self.clock.now();
        let created_at = draft.created_at.unwrap_or(now);
        let mut link = Link {
            id: LinkId::fresh(now, &*self.entropy),
            workspace: who.workspace,
            domain: draft.domain.clone(),
            slug: draft.slug.clone().unwrap_or_else(|| Slug::random(&*self.entropy)),
            destination: draft.destination.clone(),
            title: None,
            tags: Tags::default(),
            redirect_status: RedirectStatus::FOUND,
            referrer_policy: None,
            cache_seconds: None,
            expires_at: None,
            disabled_at: None,
            max_clicks: None,
            admitted: 0,
            clicks: 0,
            metadata: Metadata::default(),
            created_at,
            updated_at: now,
            version: Version::FIRST,
        };
        draft.edit.clone().apply(&mut link, now)?;
        Ok(link)
    }

    /// As [`make`](Self::make), for a write that cannot be tried again for one item's sake: a random slug is looked
    /// up first.
    async fn make_unlike(&self, who: &Principal, draft: Draft) -> Result<Link> {
        for _ in 0..DRAWS {
            let link = self.make(who, &draft)?;
            if draft.slug.is_some() || self.store.find(&link.domain, &link.slug).await?.is_none() {
                return Ok(link);
            }
        }
        Err(Error::internal("every random slug that was drawn is taken"))
    }

    fn event(&self, who: &Principal, kind: &str, link: &Link) -> Result<Event> {
        self.told(kind, link, who.traceparent.as_deref())
    }

    /// The event that tells of `link`.
    pub(super) fn told(&self, kind: &str, link: &Link, traceparent: Option<&str>) -> Result<Event> {
        let now = self.clock.now();
        let data = v1::LinkData { link: v1::Link::of(link, &self.site, now) };
        Ok(Event {
            id: EventId::fresh(now, &*self.entropy),
            kind: EventType::parse(kind).map_err(Error::internal)?,
            version: 1,
            created_at: now,
            workspace: link.workspace,
            subject: Some(link.id.to_string()),
            traceparent: traceparent.map(str::to_owned),
            data: Payload::of(&data).map_err(Error::internal)?,
        })
    }
}

/// So many edit the link that none of our tries came first. That passes, so it is no answer to be kept.
fn crowded() -> Error {
    Error::new(Kind::Unavailable, "The link is being edited by many at once")
        .with_retry_after(std::time::Duration::from_secs(1))
}

/// Brings the outcomes of the changes back to the items, of which the faulty ones had none.
fn settle(items: &[Created], outcomes: &[Outcome]) -> Vec<Created> {
    let mut outcomes = outcomes.iter();
    items
        .iter()
        .enumerate()
        .map(|(at, item)| match item {
            Err(error) => Err(Error::invalid(error.issues().to_vec())),
            Ok(link) => match outcomes.next() {
                Some(Ok(())) => Ok(link.clone()),
                Some(Err(refusal)) => Err(refused(*refusal, &link.slug, &format!("items[{at}].slug"))),
                None => Err(Error::internal("the store gave no outcome for a change")),
            },
        })
        .collect()
}

fn refused(refusal: Refusal, slug: &Slug, field: &str) -> Error {
    match refusal {
        Refusal::SlugTaken => Error::new(Kind::AlreadyExists, "Another link of this domain has the slug")
            .with_issues(vec![Issue::new(field, format!("{slug:?} is taken"))]),
        Refusal::Stale => Error::new(Kind::VersionMismatch, "The link has changed meanwhile"),
        Refusal::NotFound => Error::not_found("link"),
        Refusal::Undone => Error::new(Kind::Conflict, "Another item was refused, and this one with it"),
    }
}
