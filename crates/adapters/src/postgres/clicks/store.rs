//! The port of clicks.

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;
use waypost_core::Result;
use waypost_core::clicks::{
    Admission, Appended, Click, ClickAnchor, ClickStore, Stats, StatsQuery, Take, Telling, Told,
};
use waypost_core::ids::{LinkId, WorkspaceId};

use super::fit::fit;
use super::row::{self, click_columns};
use super::tell::Teller;
use super::{KEPT, append, forget, stats};
use crate::postgres::columns::{Columns as _, number};
use crate::postgres::database::Postgres;
use crate::postgres::days::Days;
use crate::postgres::error::Fault;

/// ClickStore 5: deciding and taking are one statement. What has no limit is not written.
const TAKE: &str = "UPDATE waypost_link SET admitted = admitted + 1 WHERE id = $1 AND admitted < max_clicks";
const LOOK: &str = "SELECT max_clicks IS NOT NULL, max_clicks IS NULL OR admitted < max_clicks \
    FROM waypost_link WHERE id = $1";
const LIST: &str =
    concat!("SELECT ", click_columns!(), " FROM waypost_click WHERE workspace = $1 AND id > $2 ORDER BY id LIMIT $3");
const LIST_FIRST: &str =
    concat!("SELECT ", click_columns!(), " FROM waypost_click WHERE workspace = $1 ORDER BY id LIMIT $2");

/// The batch was in another's way, or its day has just been removed: nothing is counted, and it can be again.
const PASSING: [&str; 3] = ["40001", "40P01", "23514"];
/// How often a batch is tried. Whoever is in the way each time is told to the caller, which comes back later.
const TRIES: usize = 5;

/// Counts clicks in PostgreSQL, for any number of nodes.
#[derive(Clone, Debug)]
pub struct PostgresClickStore {
    db: Postgres,
    days: Days,
    teller: Teller,
}

impl PostgresClickStore {
    /// The clicks in `db`.
    pub fn new(db: &Postgres) -> Self {
        Self { db: db.clone(), days: Days::of(&KEPT), teller: Teller::default() }
    }

    async fn count(&self, clicks: &[Click]) -> Result<Appended, Fault> {
        let clicks = fit(clicks);
        let mut tries = 1;
        loop {
            match self.try_count(&clicks).await {
                Err(fault) if tries < TRIES && fault.state().is_some_and(|code| PASSING.contains(&&*code)) => {
                    self.days.doubt();
                    tries += 1;
                }
                done => return done,
            }
        }
    }

    async fn try_count(&self, clicks: &[Click]) -> Result<Appended, Fault> {
        self.days.make(&self.db, clicks.iter().map(|click| click.at)).await?;
        let mut tx = self.db.begin().await?;
        let appended = append::append(&mut tx, clicks).await?;
        tx.commit().await?;
        Ok(appended)
    }

    async fn take(&self, link: LinkId) -> Result<Admission, Fault> {
        // What is used up, gone or has no limit needs no write to be told so, however many ask.
        let (seen, is_limited) = self.look(link).await?;
        if seen != Admission::Admitted || !is_limited {
            return Ok(seen);
        }
        let mut conn = self.db.connection().await?;
        let query = sqlx::query(TAKE).bind(Uuid::from_bytes(link.to_bytes()));
        let taken = query.execute(&mut *conn).await?.rows_affected();
        if conn.done(taken) > 0 {
            return Ok(Admission::Admitted);
        }
        // Nothing was taken: only a link whose limit has gone meanwhile lets anybody pass.
        Ok(match self.look(link).await? {
            (Admission::Admitted, true) => Admission::UsedUp,
            (seen, _) => seen,
        })
    }

    /// Whether a follow may pass, and whether the link has a limit.
    async fn look(&self, link: LinkId) -> Result<(Admission, bool), Fault> {
        let mut conn = self.db.connection().await?;
        let query = sqlx::query(LOOK).bind(Uuid::from_bytes(link.to_bytes()));
        let row = query.fetch_optional(&mut *conn).await?;
        let Some(row) = conn.done(row) else {
            return Ok((Admission::Gone, false));
        };
        let seen = if row.at(1)? { Admission::Admitted } else { Admission::UsedUp };
        Ok((seen, row.at(0)?))
    }

    async fn ask(&self, query: &StatsQuery) -> Result<Stats, Fault> {
        let mut conn = self.db.connection().await?;
        let stats = stats::stats(&mut conn, query).await?;
        Ok(conn.done(stats))
    }

    async fn export(
        &self,
        workspace: WorkspaceId,
        after: Option<ClickAnchor>,
        limit: usize,
    ) -> Result<Vec<Click>, Fault> {
        let workspace = Uuid::from_bytes(workspace.to_bytes());
        let query = match after {
            Some(after) => sqlx::query(LIST).bind(workspace).bind(Uuid::from_bytes(after.to_bytes())),
            None => sqlx::query(LIST_FIRST).bind(workspace),
        };
        let mut conn = self.db.connection().await?;
        let rows = query.bind(number(limit)).fetch_all(&mut *conn).await?;
        conn.done(rows).iter().map(row::read).collect()
    }

    async fn remove(&self, before: Timestamp, limit: usize) -> Result<u64, Fault> {
        let mut conn = self.db.connection().await?;
        let removed = forget::forget(&mut conn, before, limit).await?;
        self.days.doubt();
        Ok(conn.done(removed))
    }
}

#[async_trait]
impl ClickStore for PostgresClickStore {
    async fn append(&self, clicks: &[Click]) -> Result<Appended> {
        Ok(self.count(clicks).await?)
    }

    async fn tell(&self, telling: Telling<'_>) -> Result<Told> {
        Ok(self.teller.tell(&self.db, telling).await?)
    }

    async fn admit(&self, link: LinkId, take: Take) -> Result<Admission> {
        Ok(match take {
            Take::One => self.take(link).await?,
            Take::Look => self.look(link).await?.0,
        })
    }

    async fn stats(&self, query: &StatsQuery) -> Result<Stats> {
        Ok(self.ask(query).await?)
    }

    async fn list(&self, workspace: WorkspaceId, after: Option<ClickAnchor>, limit: usize) -> Result<Vec<Click>> {
        Ok(self.export(workspace, after, limit).await?)
    }

    async fn forget(&self, before: Timestamp, limit: usize) -> Result<usize> {
        Ok(usize::try_from(self.remove(before, limit).await?).unwrap_or(limit))
    }
}
