//! The port of the event log.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use waypost_core::Result;
use waypost_core::events::{Acked, Batch, Bounds, Event, EventBus, EventFilter, Position, Read};

use super::groups::{self, Standing};
use super::log;
use crate::postgres::database::Postgres;
use crate::postgres::error::Fault;
use crate::postgres::signals::Signal;

/// A durable log of events in PostgreSQL.
///
/// `trim` goes by the moment at which an event was made, which the event itself carries.
#[derive(Clone, Debug)]
pub struct PostgresEventBus {
    db: Postgres,
}

impl PostgresEventBus {
    /// The log in `db`.
    pub fn new(db: &Postgres) -> Self {
        Self { db: db.clone() }
    }

    async fn append(&self, events: &[Event]) -> Result<Vec<Position>, Fault> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let mut tx = self.db.begin().await?;
        let places = log::append(&mut tx, events).await?;
        tx.commit().await?;
        self.db.signals().wake(Signal::Bus);
        let epoch = self.db.epoch();
        Ok(places.into_iter().map(|offset| Position { epoch, offset }).collect())
    }

    async fn look(&self, after: Position, filter: &EventFilter, limit: usize) -> Result<Read, Fault> {
        let mut conn = self.db.connection().await?;
        let read = log::read(&mut conn, self.db.epoch(), after, filter, limit).await?;
        Ok(conn.done(read))
    }

    async fn ends(&self) -> Result<Bounds, Fault> {
        let mut conn = self.db.connection().await?;
        let bounds = log::bounds(&mut conn, self.db.epoch()).await?;
        Ok(conn.done(bounds))
    }

    async fn wait_beyond(&self, after: Position) -> Result<(), Fault> {
        // Registered before the look: what is committed after the look wakes.
        let mut woken = std::pin::pin!(self.db.signals().bus());
        woken.as_mut().enable();
        let bounds = self.ends().await?;
        if bounds.start <= after && after == bounds.end {
            woken.await;
        }
        Ok(())
    }

    async fn lease(&self, group: &str, limit: usize, now: Timestamp, lease: Duration) -> Result<Option<Batch>, Fault> {
        // An idle group asks often; looking locks nothing and leaves no dead row.
        let mut conn = self.db.connection().await?;
        let standing = groups::standing(&mut conn, group, now).await?;
        let end = log::bounds(&mut conn, self.db.epoch()).await?.end.offset;
        conn.done(());
        match standing {
            Standing::Leased => return Ok(None),
            Standing::Free(acked) if acked >= end => return Ok(None),
            Standing::Free(_) | Standing::New => {}
        }
        let mut tx = self.db.begin_with(groups::BEGIN).await?;
        let batch = groups::consume(&mut tx, self.db.epoch(), group, limit, (now, lease)).await?;
        tx.commit().await?;
        Ok(batch)
    }

    async fn move_on(&self, group: &str, batch: &Batch) -> Result<Acked, Fault> {
        let mut tx = self.db.begin_with(groups::BEGIN).await?;
        let acked = groups::ack(&mut tx, group, batch).await?;
        tx.commit().await?;
        Ok(acked)
    }

    async fn forget(&self, before: Timestamp, limit: usize) -> Result<u64, Fault> {
        let mut tx = self.db.begin().await?;
        let forgotten = log::trim(&mut tx, before, limit).await?;
        tx.commit().await?;
        Ok(forgotten)
    }
}

#[async_trait]
impl EventBus for PostgresEventBus {
    async fn publish(&self, events: &[Event]) -> Result<Vec<Position>> {
        Ok(self.append(events).await?)
    }

    async fn read(&self, after: Position, filter: &EventFilter, limit: usize) -> Result<Read> {
        Ok(self.look(after, filter, limit).await?)
    }

    async fn bounds(&self) -> Result<Bounds> {
        Ok(self.ends().await?)
    }

    async fn wait(&self, after: Position) -> Result<()> {
        Ok(self.wait_beyond(after).await?)
    }

    async fn consume(&self, group: &str, limit: usize, now: Timestamp, lease: Duration) -> Result<Option<Batch>> {
        Ok(self.lease(group, limit, now, lease).await?)
    }

    async fn ack(&self, group: &str, batch: &Batch) -> Result<Acked> {
        Ok(self.move_on(group, batch).await?)
    }

    async fn trim(&self, before: Timestamp, limit: usize) -> Result<usize> {
        Ok(usize::try_from(self.forget(before, limit).await?).unwrap_or(limit))
    }
}
