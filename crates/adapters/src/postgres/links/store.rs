//! The port of links.

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;
use waypost_core::Result;
use waypost_core::ids::{LinkId, WorkspaceId};
use waypost_core::links::{Domain, Link, LinkAnchor, LinkQuery, LinkStore, LinkWrite, Slug, Written};
use waypost_core::page::Page;

use super::row::select_links;
use super::{create, list, row, write};
use crate::postgres::columns::{Moment, Query, number};
use crate::postgres::database::Postgres;
use crate::postgres::error::Fault;
use crate::postgres::signals::Signal;

/// How often a write is tried. Each further try was in the way of a write that was made, so it hardly comes to a third.
const TRIES: usize = 5;

const GET: &str = select_links!("WHERE l.id = $1 AND l.workspace = $2");
const FIND: &str = select_links!("WHERE l.slug = $1 AND l.domain = $2");
/// The condition of the partial index, word for word, so that it is used.
const DUE: &str = select_links!(
    "WHERE l.expires_at IS NOT NULL AND NOT l.expiry_told AND l.expires_at <= $1 ORDER BY l.expires_at, l.id LIMIT $2"
);

/// Keeps links in PostgreSQL; commits with each write its events and its keyed answer.
///
/// One new link with its event is one round trip, under a key or not. Any other write is a transaction of a few: one for
/// each of its steps, however many rows a step has, and one for each update.
#[derive(Clone, Debug)]
pub struct PostgresLinkStore {
    db: Postgres,
}

impl PostgresLinkStore {
    /// The links in `db`.
    pub fn new(db: &Postgres) -> Self {
        Self { db: db.clone() }
    }

    async fn read(&self, query: Query<'_>) -> Result<Vec<Link>, Fault> {
        let mut conn = self.db.connection().await?;
        let rows = query.fetch_all(&mut *conn).await?;
        conn.done(rows).iter().map(row::read).collect()
    }

    async fn page(&self, query: &LinkQuery) -> Result<Page<Link, LinkAnchor>, Fault> {
        let mut conn = self.db.connection().await?;
        let page = list::list(&mut conn, query).await?;
        Ok(conn.done(page))
    }

    async fn commit(&self, write: &LinkWrite<'_>) -> Result<Written, Fault> {
        match self.create(write).await {
            Ok(Some(written)) => return Ok(written),
            Err(fault) if !gave_way(&fault) => return Err(fault),
            Ok(None) | Err(_) => {}
        }
        for _ in 1..TRIES {
            match self.apply(write).await {
                Err(fault) if gave_way(&fault) => {}
                done => return done,
            }
        }
        self.apply(write).await
    }

    async fn create(&self, write: &LinkWrite<'_>) -> Result<Option<Written>, Fault> {
        let mut conn = self.db.connection().await?;
        let written = create::create(&mut conn, write).await?;
        Ok(conn.done(written))
    }

    async fn apply(&self, write: &LinkWrite<'_>) -> Result<Written, Fault> {
        let mut tx = self.db.begin().await?;
        let applied = match write::apply(&mut tx, write).await {
            Ok(applied) => applied,
            Err(fault) => {
                if gave_way(&fault) {
                    tx.rollback().await?;
                }
                return Err(fault);
            }
        };
        if applied.is_effective {
            tx.commit().await?;
        } else {
            tx.rollback().await?;
        }
        Ok(applied.written)
    }
}

/// Whether a transaction was undone for the sake of another, and would do better a second time: two waited for each
/// other, or an update took a name that another was about to take.
fn gave_way(fault: &Fault) -> bool {
    const STATES: [&str; 3] = ["40001", "40P01", "23505"];
    fault.state().is_some_and(|state| STATES.contains(&state.as_str()))
}

#[async_trait]
impl LinkStore for PostgresLinkStore {
    async fn get(&self, workspace: WorkspaceId, id: LinkId) -> Result<Option<Link>> {
        let (id, workspace) = (Uuid::from_bytes(id.to_bytes()), Uuid::from_bytes(workspace.to_bytes()));
        Ok(self.read(sqlx::query(GET).bind(id).bind(workspace)).await?.pop())
    }

    async fn find(&self, domain: &Domain, slug: &Slug) -> Result<Option<Link>> {
        Ok(self.read(sqlx::query(FIND).bind(slug.as_str()).bind(domain.as_str())).await?.pop())
    }

    async fn list(&self, query: &LinkQuery) -> Result<Page<Link, LinkAnchor>> {
        Ok(self.page(query).await?)
    }

    async fn write(&self, write: LinkWrite<'_>) -> Result<Written> {
        let written = self.commit(&write).await?;
        if let Written::Committed(outcomes) = &written
            && write.changes.iter().zip(outcomes).any(|((_, event), outcome)| event.is_some() && outcome.is_ok())
        {
            self.db.signals().wake(Signal::Outbox);
        }
        Ok(written)
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Link>> {
        Ok(self.read(sqlx::query(DUE).bind(Moment(now)).bind(number(limit))).await?)
    }
}
