//! The port of clicks.

use async_trait::async_trait;
use jiff::Timestamp;
use waypost_core::Result;
use waypost_core::clicks::{
    Admission, Appended, Click, ClickAnchor, ClickStore, Stats, StatsQuery, Take, Telling, Told,
};
use waypost_core::ids::{LinkId, WorkspaceId};

use super::row::{self, click_columns};
use super::{append, stats, tell};
use crate::sqlite::columns::{Columns as _, micros, number};
use crate::sqlite::database::Sqlite;
use crate::sqlite::error::Fault;

/// ClickStore 5: deciding and taking are one statement.
const TAKE: &str = "UPDATE waypost_link SET admitted = admitted + 1 \
    WHERE id = ?1 AND (max_clicks IS NULL OR admitted < max_clicks)";
const LOOK: &str = "SELECT max_clicks IS NULL OR admitted < max_clicks FROM waypost_link WHERE id = ?1";
const LIST: &str =
    concat!("SELECT ", click_columns!(), " FROM waypost_click WHERE workspace = ?1 AND id > ?2 ORDER BY id LIMIT ?3");
const LIST_FIRST: &str =
    concat!("SELECT ", click_columns!(), " FROM waypost_click WHERE workspace = ?1 ORDER BY id LIMIT ?2");
const FORGET: &str = "DELETE FROM waypost_click WHERE (workspace, id) IN \
    (SELECT workspace, id FROM waypost_click WHERE at < ?1 ORDER BY at LIMIT ?2)";

/// Counts clicks in SQLite.
#[derive(Clone, Debug)]
pub struct SqliteClickStore {
    db: Sqlite,
}

impl SqliteClickStore {
    /// The clicks in `db`.
    pub fn new(db: &Sqlite) -> Self {
        Self { db: db.clone() }
    }

    async fn count(&self, clicks: &[Click]) -> Result<Appended, Fault> {
        let mut tx = self.db.write().await?;
        let appended = append::append(&mut tx, clicks).await?;
        tx.commit().await?;
        Ok(appended)
    }

    async fn take(&self, link: LinkId) -> Result<Admission, Fault> {
        // What is used up or gone needs no write to be told so, however many ask.
        let seen = self.look(link).await?;
        if seen != Admission::Admitted {
            return Ok(seen);
        }
        let mut tx = self.db.write().await?;
        if sqlx::query(TAKE).bind(&link.to_bytes()[..]).execute(&mut *tx).await?.rows_affected() > 0 {
            tx.commit().await?;
            return Ok(Admission::Admitted);
        }
        // Nothing was taken, so whatever the row says, nobody may pass.
        let row = sqlx::query(LOOK).bind(&link.to_bytes()[..]).fetch_optional(&mut *tx).await?;
        Ok(if row.is_some() { Admission::UsedUp } else { Admission::Gone })
    }

    async fn look(&self, link: LinkId) -> Result<Admission, Fault> {
        let query = sqlx::query(LOOK).bind(&link.to_bytes()[..]);
        let row = query.fetch_optional(&mut *self.db.read().await?).await?;
        Ok(match row.map(|row| row.at(0)).transpose()? {
            None => Admission::Gone,
            Some(true) => Admission::Admitted,
            Some(false) => Admission::UsedUp,
        })
    }

    async fn export(
        &self,
        workspace: WorkspaceId,
        after: Option<ClickAnchor>,
        limit: usize,
    ) -> Result<Vec<Click>, Fault> {
        let workspace = workspace.to_bytes();
        let query = match after {
            Some(after) => sqlx::query(LIST).bind(&workspace[..]).bind(&after.to_bytes()[..]),
            None => sqlx::query(LIST_FIRST).bind(&workspace[..]),
        };
        let rows = query.bind(number(limit)).fetch_all(&mut *self.db.read().await?).await?;
        rows.iter().map(row::read).collect()
    }

    async fn remove(&self, before: Timestamp, limit: usize) -> Result<u64, Fault> {
        let mut tx = self.db.write().await?;
        let query = sqlx::query(FORGET).bind(micros(before)).bind(number(limit));
        let removed = query.execute(&mut *tx).await?.rows_affected();
        tx.commit().await?;
        Ok(removed)
    }
}

#[async_trait]
impl ClickStore for SqliteClickStore {
    async fn append(&self, clicks: &[Click]) -> Result<Appended> {
        Ok(self.count(clicks).await?)
    }

    async fn tell(&self, telling: Telling<'_>) -> Result<Told> {
        Ok(tell::tell(&self.db, telling).await?)
    }

    async fn admit(&self, link: LinkId, take: Take) -> Result<Admission> {
        Ok(match take {
            Take::One => self.take(link).await?,
            Take::Look => self.look(link).await?,
        })
    }

    async fn stats(&self, query: &StatsQuery) -> Result<Stats> {
        let mut conn = self.db.read().await?;
        Ok(stats::stats(&mut conn, query).await?)
    }

    async fn list(&self, workspace: WorkspaceId, after: Option<ClickAnchor>, limit: usize) -> Result<Vec<Click>> {
        Ok(self.export(workspace, after, limit).await?)
    }

    async fn forget(&self, before: Timestamp, limit: usize) -> Result<usize> {
        Ok(usize::try_from(self.remove(before, limit).await?).unwrap_or(limit))
    }
}
