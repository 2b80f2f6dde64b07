//! The port of links.

use std::sync::LazyLock;

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::{AssertSqlSafe, SqlSafeStr as _, SqlStr};
use waypost_core::Result;
use waypost_core::idempotency::Settled;
use waypost_core::ids::{LinkId, WorkspaceId};
use waypost_core::links::{Domain, Link, LinkAnchor, LinkQuery, LinkStore, LinkWrite, Slug, Written};
use waypost_core::page::Page;

use super::{list, row, write};
use crate::sqlite::columns::{Query, micros, number};
use crate::sqlite::database::Sqlite;
use crate::sqlite::error::Fault;
use crate::sqlite::idempotency;
use crate::sqlite::wake::Wake;

static GET: LazyLock<SqlStr> = LazyLock::new(|| select("WHERE l.id = ?1 AND l.workspace = ?2"));
static FIND: LazyLock<SqlStr> = LazyLock::new(|| select("WHERE l.slug = ?1 AND l.domain = ?2"));
static DUE: LazyLock<SqlStr> = LazyLock::new(|| {
    // The condition of the partial index, word for word, so that it is used.
    select(
        "WHERE l.expires_at IS NOT NULL AND l.expiry_told = 0 AND l.expires_at <= ?1 \
         ORDER BY l.expires_at, l.id LIMIT ?2",
    )
});

fn select(rest: &str) -> SqlStr {
    AssertSqlSafe([row::SELECT, row::TOTALS, rest].concat()).into_sql_str().clone()
}

/// Keeps links in SQLite; commits with each write its events and its keyed answer.
#[derive(Clone, Debug)]
pub struct SqliteLinkStore {
    db: Sqlite,
}

impl SqliteLinkStore {
    /// The links in `db`.
    pub fn new(db: &Sqlite) -> Self {
        Self { db: db.clone() }
    }

    async fn read(&self, query: Query<'_>) -> Result<Vec<Link>, Fault> {
        let rows = query.fetch_all(&mut *self.db.read().await?).await?;
        rows.iter().map(row::read).collect()
    }

    async fn commit(&self, work: LinkWrite<'_>) -> Result<Written, Fault> {
        let mut tx = self.db.write().await?;
        let outcomes = write::apply(&mut tx, &work.changes, work.atomicity).await?;
        if let Some(keyed) = work.keyed {
            let settled = match (keyed.answer)(&outcomes) {
                Some(answer) => idempotency::complete(&mut tx, keyed.lease, &answer, keyed.keep_until).await?,
                None => idempotency::held(&mut tx, keyed.lease).await?,
            };
            if settled == Settled::Superseded {
                return Ok(Written::Superseded);
            }
        }
        tx.wakes(Wake::OUTBOX);
        tx.commit().await?;
        Ok(Written::Committed(outcomes))
    }
}

#[async_trait]
impl LinkStore for SqliteLinkStore {
    async fn get(&self, workspace: WorkspaceId, id: LinkId) -> Result<Option<Link>> {
        let query = sqlx::query(GET.clone()).bind(&id.to_bytes()[..]).bind(&workspace.to_bytes()[..]);
        Ok(self.read(query).await?.pop())
    }

    async fn find(&self, domain: &Domain, slug: &Slug) -> Result<Option<Link>> {
        let query = sqlx::query(FIND.clone()).bind(slug.as_str()).bind(domain.as_str());
        Ok(self.read(query).await?.pop())
    }

    async fn list(&self, query: &LinkQuery) -> Result<Page<Link, LinkAnchor>> {
        let mut conn = self.db.read().await?;
        Ok(list::list(&mut conn, query).await?)
    }

    async fn write(&self, write: LinkWrite<'_>) -> Result<Written> {
        Ok(self.commit(write).await?)
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Link>> {
        Ok(self.read(sqlx::query(DUE.clone()).bind(micros(now)).bind(number(limit))).await?)
    }
}
