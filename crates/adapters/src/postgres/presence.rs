//! Who is where, in PostgreSQL.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::postgres::PgRow;
use uuid::Uuid;
use waypost_core::Result;
use waypost_core::credentials::Actor;
use waypost_core::ids::SessionId;
use waypost_core::push::presence::{Place, Presence, PresenceStore, Stay};

use super::columns::{Columns as _, Moment, Query, number};
use super::database::Postgres;
use super::error::Fault;

/// Rows come in the order of the key, so that those who enter the same sessions wait for each other and in no circle.
const ENTER: &str = "INSERT INTO waypost_presence AS kept (workspace, subject, session, actor, since, over_at) \
    SELECT *, $6 FROM UNNEST($1::uuid[], $2::bytea[], $3::uuid[], $4::text[], $5::timestamptz[]) \
    ON CONFLICT (workspace, subject, session) DO UPDATE SET actor = excluded.actor, since = excluded.since, \
    over_at = greatest(kept.over_at, excluded.over_at)";
/// Locks in the order of the key, as those who enter do.
const LEAVE: &str = "WITH gone AS MATERIALIZED (SELECT p.workspace, p.subject, p.session \
    FROM UNNEST($1::uuid[], $2::bytea[], $3::uuid[]) AS meant (workspace, subject, session) \
    JOIN waypost_presence p USING (workspace, subject, session) \
    ORDER BY p.workspace, p.subject, p.session FOR UPDATE OF p) \
    DELETE FROM waypost_presence p USING gone \
    WHERE p.workspace = gone.workspace AND p.subject = gone.subject AND p.session = gone.session";
const PRESENT: &str = "SELECT asked.place, p.session, p.actor, p.since \
    FROM UNNEST($1::uuid[], $2::bytea[]) WITH ORDINALITY AS asked (workspace, subject, place) \
    CROSS JOIN LATERAL (SELECT session, actor, since FROM waypost_presence p \
    WHERE p.workspace = asked.workspace AND p.subject = asked.subject AND p.over_at > $3 \
    ORDER BY p.since, p.session LIMIT $4) p ORDER BY asked.place, p.since, p.session";
/// Rows that somebody renews, or another node sweeps, are left to them.
const SWEEP: &str = "DELETE FROM waypost_presence WHERE ctid = ANY(ARRAY(SELECT ctid FROM waypost_presence \
    WHERE over_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED))";

/// Keeps who is where in PostgreSQL.
///
/// Each call is one statement, however many it is of. After a crash of the server the table is empty, and fills as nodes
/// find whom it lacks.
#[derive(Clone, Debug)]
pub struct PostgresPresenceStore {
    db: Postgres,
}

impl PostgresPresenceStore {
    /// Who is where in `db`.
    pub fn new(db: &Postgres) -> Self {
        Self { db: db.clone() }
    }

    async fn run(&self, query: Query<'_>) -> Result<u64, Fault> {
        let mut conn = self.db.connection().await?;
        let done = query.execute(&mut *conn).await?;
        Ok(conn.done(done.rows_affected()))
    }

    async fn put(&self, stays: &[Stay], until: Timestamp) -> Result<(), Fault> {
        let batch = Batch::of(stays);
        let actors: Vec<_> = batch.presences.iter().map(|presence| presence.actor.to_string()).collect();
        let since: Vec<_> = batch.presences.iter().map(|presence| Moment(presence.since)).collect();
        let enter = batch.bind(sqlx::query(ENTER)).bind(actors).bind(since).bind(Moment(until));
        self.run(enter).await.map(drop)
    }

    async fn find(&self, places: &[Place], now: Timestamp, limit: usize) -> Result<Vec<Vec<Presence>>, Fault> {
        let workspaces: Vec<_> = places.iter().map(workspace).collect();
        let subjects: Vec<_> = places.iter().map(|place| place.subject().as_bytes()).collect();
        let find = sqlx::query(PRESENT).bind(workspaces).bind(subjects).bind(Moment(now)).bind(number(limit));
        let mut conn = self.db.connection().await?;
        let rows = find.fetch_all(&mut *conn).await?;
        conn.done(());
        let mut lists = vec![Vec::new(); places.len()];
        for row in &rows {
            let place = usize::try_from(row.count(0)?).ok().and_then(|place| place.checked_sub(1));
            let list = place.and_then(|place| lists.get_mut(place)).ok_or(Fault::Column("place"))?;
            list.push(presence(row)?);
        }
        Ok(lists)
    }
}

#[async_trait]
impl PresenceStore for PostgresPresenceStore {
    async fn enter(&self, stays: &[Stay], now: Timestamp, time_to_live: Duration) -> Result<()> {
        Ok(self.put(stays, now.saturating_add(time_to_live).unwrap_or(Timestamp::MAX)).await?)
    }

    async fn leave(&self, stays: &[Stay]) -> Result<()> {
        self.run(Batch::of(stays).bind(sqlx::query(LEAVE))).await?;
        Ok(())
    }

    async fn present(&self, places: &[Place], now: Timestamp, limit: usize) -> Result<Vec<Vec<Presence>>> {
        Ok(self.find(places, now, limit).await?)
    }

    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<usize> {
        let swept = self.run(sqlx::query(SWEEP).bind(Moment(now)).bind(number(limit))).await?;
        Ok(usize::try_from(swept).unwrap_or(limit))
    }
}

/// Stays as columns, each session of a place once, in the order of the key.
struct Batch<'a> {
    workspaces: Vec<Uuid>,
    subjects: Vec<&'a [u8]>,
    sessions: Vec<Uuid>,
    presences: Vec<&'a Presence>,
}

impl<'a> Batch<'a> {
    fn of(stays: &'a [Stay]) -> Self {
        // One statement touches a row once; of two that name the same, the last one holds.
        let rows: BTreeMap<_, _> =
            stays.iter().map(|stay| ((&stay.place, stay.presence.session), &stay.presence)).collect();
        Self {
            workspaces: rows.keys().map(|(place, _)| workspace(place)).collect(),
            subjects: rows.keys().map(|(place, _)| place.subject().as_bytes()).collect(),
            sessions: rows.keys().map(|(_, session)| session.to_uuid()).collect(),
            presences: rows.into_values().collect(),
        }
    }

    /// Binds the key, as the first 3 parameters.
    fn bind<'q>(&self, query: Query<'q>) -> Query<'q>
    where
        'a: 'q,
    {
        query.bind(self.workspaces.clone()).bind(self.subjects.clone()).bind(self.sessions.clone())
    }
}

fn workspace(place: &Place) -> Uuid {
    place.workspace().to_uuid()
}

fn presence(row: &PgRow) -> Result<Presence, Fault> {
    Ok(Presence {
        session: SessionId::from_bytes(row.id(1)?),
        actor: Actor::parse(row.at(2)?).ok_or(Fault::Column("actor"))?,
        since: row.time(3)?,
    })
}
