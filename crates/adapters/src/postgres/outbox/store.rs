//! The port of the outbox.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::postgres::PgConnection;
use waypost_core::Result;
use waypost_core::events::Event;
use waypost_core::outbox::{Backlog, Claimed, DeadEntry, Outbox, Ruling, Verdict};

use super::rotation::Rotation;
use super::{append, claim, dead, settle};
use crate::postgres::database::Postgres;
use crate::postgres::error::Fault;
use crate::postgres::signals::Signal;

/// Holds events in PostgreSQL until they are on the bus.
#[derive(Clone, Debug)]
pub struct PostgresOutbox {
    db: Postgres,
    rotation: Arc<Rotation>,
}

impl PostgresOutbox {
    /// The outbox in `db`.
    pub fn new(db: &Postgres) -> Self {
        Self { db: db.clone(), rotation: Arc::default() }
    }

    /// Appends events within a transaction of the caller's own, in the same database: they are there exactly if that
    /// transaction commits. After the commit, [`wake`](Self::wake) spares the relay its wait.
    ///
    /// This is the one place where a type of the driver is public, and it must be: an event is worth something only if
    /// it commits together with the rows it tells of, and those are in a transaction that only the caller has.
    ///
    /// The connection must find the platform's tables: where they stand in a schema of their own, its `search_path`
    /// names it, after the caller's own. Events of one ordering key are told in the order of commits, so a key is
    /// locked until the transaction ends: append late in it, and commit soon. Two transactions that each call this
    /// twice, with keys in a different order, may end up waiting for each other, and PostgreSQL ends one of them:
    /// append all events of a transaction in one call.
    ///
    /// # Errors
    /// As [`Outbox::append`]; the transaction should then be rolled back.
    ///
    /// ```no_run
    /// # async fn place() -> Result<(), Box<dyn std::error::Error>> {
    /// use sqlx::{Connection as _, postgres::PgConnection};
    /// use waypost_adapters::postgres::{Postgres, PostgresOutbox};
    /// use waypost_core::{clock::{Clock as _, SystemClock}, entropy::OsEntropy};
    /// use waypost_core::events::{Event, EventType, Payload};
    /// use waypost_core::ids::{EventId, WorkspaceId};
    ///
    /// let url = "postgres://shop:secret@db.example.com/shop";
    /// let outbox = PostgresOutbox::new(&Postgres::open(url).await?);
    /// let mut shop = PgConnection::connect(url).await?;
    ///
    /// let now = SystemClock.now();
    /// let placed = Event {
    ///     id: EventId::fresh(now, &OsEntropy),
    ///     kind: EventType::parse("order.placed")?,
    ///     version: 1,
    ///     created_at: now,
    ///     workspace: WorkspaceId::fresh(now, &OsEntropy),
    ///     subject: Some("order 1".to_owned()),
    ///     traceparent: None,
    ///     data: Payload::of(&"a kettle")?,
    /// };
    ///
    /// let mut tx = shop.begin().await?;
    /// sqlx::query("INSERT INTO orders (item) VALUES ('kettle')").execute(&mut *tx).await?;
    /// PostgresOutbox::append_within(&mut tx, &[placed]).await?;
    /// tx.commit().await?;
    /// outbox.wake();
    /// # Ok(())
    /// # }
    /// ```
    pub async fn append_within(conn: &mut PgConnection, events: &[Event]) -> Result<()> {
        Ok(append::insert_in_order(conn, &events.iter().collect::<Vec<_>>()).await?)
    }

    /// Wakes those who wait for entries, on this node and on others: for entries that
    /// [`append_within`](Self::append_within) has added. A wake-up too many does no harm.
    pub fn wake(&self) {
        self.db.signals().wake(Signal::Outbox);
    }

    async fn add(&self, events: &[Event]) -> Result<(), Fault> {
        if events.is_empty() {
            return Ok(());
        }
        let mut tx = self.db.begin().await?;
        append::insert_in_order(&mut tx, &events.iter().collect::<Vec<_>>()).await?;
        tx.commit().await?;
        self.wake();
        Ok(())
    }

    async fn rule(&self, verdicts: &[Verdict]) -> Result<u64, Fault> {
        if verdicts.is_empty() {
            return Ok(0);
        }
        let kept = settle::settle(&self.db, verdicts).await?;
        // What was settled may have held up others of its key. Who settled goes on with them; word to other nodes is for
        // what somebody else may have to do.
        if verdicts.iter().all(|verdict| verdict.ruling == Ruling::Ack) {
            self.db.signals().wake_here(Signal::Outbox);
        } else {
            self.wake();
        }
        Ok(kept)
    }

    async fn revive(&self, limit: usize) -> Result<u64, Fault> {
        let back = dead::redrive(&self.db, limit).await?;
        if back > 0 {
            self.wake();
        }
        Ok(back)
    }
}

#[async_trait]
impl Outbox for PostgresOutbox {
    async fn append(&self, events: &[Event]) -> Result<()> {
        Ok(self.add(events).await?)
    }

    async fn claim(&self, limit: usize, now: Timestamp, lease: Duration) -> Result<Vec<Claimed>> {
        self.rotation.turn(&self.db, now).await?;
        Ok(claim::claim(&self.db, limit, now, lease).await?)
    }

    async fn settle(&self, verdicts: &[Verdict]) -> Result<usize> {
        Ok(usize::try_from(self.rule(verdicts).await?).unwrap_or(verdicts.len()))
    }

    async fn backlog(&self) -> Result<Backlog> {
        Ok(dead::backlog(&self.db).await?)
    }

    async fn dead(&self, limit: usize) -> Result<Vec<DeadEntry>> {
        Ok(dead::dead(&self.db, limit).await?)
    }

    async fn redrive(&self, limit: usize) -> Result<usize> {
        Ok(usize::try_from(self.revive(limit).await?).unwrap_or(limit))
    }

    async fn wait(&self) {
        self.db.signals().outbox().await;
    }
}
