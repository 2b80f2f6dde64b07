//! The outbox in SQLite.

use std::sync::LazyLock;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use waypost_core::Result;
use waypost_core::events::Event;
use waypost_core::outbox::{Backlog, Claimed, DeadEntry, Outbox, Ruling, Verdict};

use super::bulk::Bulk;
use super::columns::{Columns as _, micros, number};
use super::database::Sqlite;
use super::error::Fault;
use super::events::row::{self, event_columns};
use super::wake::Wake;

static APPEND: LazyLock<Bulk> = LazyLock::new(|| {
    Bulk::new(concat!("INSERT INTO waypost_outbox (ordering, ", event_columns!(), ")"), 1 + row::VALUES, "")
});

/// The entries that are free, and have no earlier one of their key that is not.
macro_rules! claimable {
    () => {
        "SELECT o.entry FROM waypost_outbox o WHERE o.free_at <= ?1 AND NOT EXISTS \
         (SELECT 1 FROM waypost_outbox held WHERE held.ordering = o.ordering AND held.entry < o.entry \
         AND held.free_at > 0 AND held.free_at > ?1) ORDER BY o.entry LIMIT ?2"
    };
}
const LOOK: &str = claimable!();
const CLAIM: &str = concat!(
    "UPDATE waypost_outbox SET free_at = ?3, token = token + 1 WHERE entry IN (",
    claimable!(),
    ") RETURNING entry, token, attempts, ",
    event_columns!()
);

static ACK: LazyLock<Bulk> = LazyLock::new(|| {
    let head = "WITH verdict (entry, token) AS (";
    let tail = ") DELETE FROM waypost_outbox WHERE entry IN (SELECT o.entry FROM verdict v \
                CROSS JOIN waypost_outbox o ON o.entry = v.entry AND o.token = v.token)";
    Bulk::new(head, 2, tail)
});
static RETRY: LazyLock<Bulk> = LazyLock::new(|| {
    let head = "WITH verdict (entry, token, free_at) AS (";
    let tail = ") UPDATE waypost_outbox SET free_at = v.free_at, attempts = attempts + 1, token = waypost_outbox.token + 1 \
                FROM verdict v WHERE waypost_outbox.entry = v.entry AND waypost_outbox.token = v.token";
    Bulk::new(head, 3, tail)
});
const BURY: &str = concat!(
    "INSERT INTO waypost_outbox_dead (entry, reason, ordering, token, ",
    event_columns!(),
    ") SELECT entry, ?3, ordering, token + 1, ",
    event_columns!(),
    " FROM waypost_outbox WHERE entry = ?1 AND token = ?2"
);
const REMOVE: &str = "DELETE FROM waypost_outbox WHERE entry = ?1 AND token = ?2";
const DEAD: &str =
    concat!("SELECT entry, reason, ", event_columns!(), " FROM waypost_outbox_dead ORDER BY entry LIMIT ?1");
/// The entry keeps its number, and with it its place among those of its key.
const REDRIVE: &str = concat!(
    "INSERT INTO waypost_outbox (entry, ordering, token, ",
    event_columns!(),
    ") SELECT entry, ordering, token, ",
    event_columns!(),
    " FROM waypost_outbox_dead ORDER BY entry LIMIT ?1"
);
const FORGET_DEAD: &str =
    "DELETE FROM waypost_outbox_dead WHERE entry IN (SELECT entry FROM waypost_outbox_dead ORDER BY entry LIMIT ?1)";
const BACKLOG: &str = "SELECT (SELECT count(*) FROM waypost_outbox), \
    (SELECT created_at FROM waypost_outbox ORDER BY entry LIMIT 1), (SELECT count(*) FROM waypost_outbox_dead)";

/// Holds events in SQLite until they are on the bus.
#[derive(Clone, Debug)]
pub struct SqliteOutbox {
    db: Sqlite,
}

impl SqliteOutbox {
    /// The outbox in `db`.
    pub fn new(db: &Sqlite) -> Self {
        Self { db: db.clone() }
    }

    /// Appends events within a transaction of the caller's own, on the same file: they are there exactly if that
    /// transaction commits. After the commit, [`wake`](Self::wake) spares the relay its wait.
    ///
    /// This is the one place where a type of the driver is public, and it must be: an event is worth something only if
    /// it commits together with the rows it tells of, and those are in a transaction that only the caller has.
    ///
    /// Begin that transaction with `BEGIN IMMEDIATE`: one that reads first and writes later fails, instead of waiting,
    /// when another has written in between.
    ///
    /// # Errors
    /// As [`Outbox::append`]; the transaction should then be rolled back.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// use sqlx::{Connection as _, sqlite::{SqliteConnectOptions, SqliteConnection}};
    /// use waypost_adapters::sqlite::{Sqlite, SqliteOutbox};
    /// use waypost_core::{clock::{Clock as _, SystemClock}, entropy::OsEntropy, outbox::Outbox as _};
    /// use waypost_core::events::{Event, EventType, Payload};
    /// use waypost_core::ids::{EventId, WorkspaceId};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("shop.db");
    /// let db = Sqlite::open(&path).await?;
    /// let outbox = SqliteOutbox::new(&db);
    /// let mut shop = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(&path)).await?;
    /// sqlx::query("CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT)").execute(&mut shop).await?;
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
    /// let mut tx = shop.begin_with("BEGIN IMMEDIATE").await?;
    /// sqlx::query("INSERT INTO orders (item) VALUES ('kettle')").execute(&mut *tx).await?;
    /// SqliteOutbox::append_within(&mut tx, &[placed]).await?;
    /// assert_eq!(outbox.backlog().await?.waiting, 0, "not before the commit");
    /// tx.commit().await?;
    /// outbox.wake();
    /// assert_eq!(outbox.backlog().await?.waiting, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn append_within(conn: &mut SqliteConnection, events: &[Event]) -> Result<()> {
        let events: Vec<_> = events.iter().collect();
        Ok(insert(conn, &events).await?)
    }

    /// Wakes those who wait for entries, in this process: for entries that [`append_within`](Self::append_within) has
    /// added. A wake-up too many does no harm.
    pub fn wake(&self) {
        self.db.wakes().wake(Wake::OUTBOX);
    }

    async fn add(&self, events: &[Event]) -> Result<(), Fault> {
        let mut tx = self.db.write().await?;
        insert(&mut tx, &events.iter().collect::<Vec<_>>()).await?;
        tx.wakes(Wake::OUTBOX);
        tx.commit().await
    }

    async fn claim_some(&self, limit: usize, now: Timestamp, lease: Duration) -> Result<Vec<Claimed>, Fault> {
        // An idle relay looks often; looking keeps nobody from writing.
        let look = sqlx::query(LOOK).bind(micros(now)).bind(number(limit.min(1)));
        if look.fetch_optional(&mut *self.db.read().await?).await?.is_none() {
            return Ok(Vec::new());
        }
        let until = now.saturating_add(lease).unwrap_or(Timestamp::MAX);
        let mut tx = self.db.write().await?;
        let query = sqlx::query(CLAIM).bind(micros(now)).bind(number(limit)).bind(micros(until));
        let rows = query.fetch_all(&mut *tx).await?;
        tx.commit().await?;
        let mut claimed = rows.iter().map(claimed).collect::<Result<Vec<_>, _>>()?;
        // SQLite returns rows in no promised order.
        claimed.sort_by_key(|claimed| claimed.entry);
        Ok(claimed)
    }

    async fn rule(&self, verdicts: &[Verdict]) -> Result<u64, Fault> {
        let (mut acks, mut retries, mut dead) = (Vec::new(), Vec::new(), Vec::new());
        for Verdict { entry, token, ruling } in verdicts {
            let key = (number(*entry), number(*token));
            match ruling {
                Ruling::Ack => acks.push(key),
                Ruling::Retry(at) => retries.push((key, micros(*at))),
                Ruling::Dead(reason) => dead.push((key, reason)),
            }
        }
        let mut tx = self.db.write().await?;
        let mut kept = ACK.execute(&mut tx, &acks, |query, (entry, token)| query.bind(*entry).bind(*token)).await?;
        let retry =
            RETRY.execute(&mut tx, &retries, |query, ((entry, token), at)| query.bind(*entry).bind(*token).bind(*at));
        kept += retry.await?;
        for ((entry, token), reason) in dead {
            sqlx::query(BURY).bind(entry).bind(token).bind(reason).execute(&mut *tx).await?;
            kept += sqlx::query(REMOVE).bind(entry).bind(token).execute(&mut *tx).await?.rows_affected();
        }
        // What was settled may have held up others of its key.
        tx.wakes(Wake::OUTBOX);
        tx.commit().await?;
        Ok(kept)
    }

    async fn revive(&self, limit: usize) -> Result<u64, Fault> {
        let mut tx = self.db.write().await?;
        let revived = sqlx::query(REDRIVE).bind(number(limit)).execute(&mut *tx).await?.rows_affected();
        sqlx::query(FORGET_DEAD).bind(number(limit)).execute(&mut *tx).await?;
        tx.wakes(Wake::OUTBOX);
        tx.commit().await?;
        Ok(revived)
    }

    async fn count(&self) -> Result<Backlog, Fault> {
        let row = sqlx::query(BACKLOG).fetch_one(&mut *self.db.read().await?).await?;
        Ok(Backlog { waiting: row.count(0)?, oldest: row.maybe_time(1)?, dead: row.count(2)? })
    }

    async fn buried(&self, limit: usize) -> Result<Vec<DeadEntry>, Fault> {
        let rows = sqlx::query(DEAD).bind(number(limit)).fetch_all(&mut *self.db.read().await?).await?;
        let read =
            |row: &SqliteRow| Ok(DeadEntry { entry: row.count(0)?, reason: row.at(1)?, event: row::read(row, 2)? });
        rows.iter().map(read).collect()
    }
}

/// Appends events within a transaction of ours.
pub(super) async fn insert(conn: &mut SqliteConnection, events: &[&Event]) -> Result<(), Fault> {
    APPEND.execute(conn, events, |query, event| row::bind(query.bind(event.ordering_key()), event)).await?;
    Ok(())
}

fn claimed(row: &SqliteRow) -> Result<Claimed, Fault> {
    Ok(Claimed { entry: row.count(0)?, token: row.count(1)?, attempts: row.at(2)?, event: row::read(row, 3)? })
}

#[async_trait]
impl Outbox for SqliteOutbox {
    async fn append(&self, events: &[Event]) -> Result<()> {
        Ok(self.add(events).await?)
    }

    async fn claim(&self, limit: usize, now: Timestamp, lease: Duration) -> Result<Vec<Claimed>> {
        Ok(self.claim_some(limit, now, lease).await?)
    }

    async fn settle(&self, verdicts: &[Verdict]) -> Result<usize> {
        Ok(usize::try_from(self.rule(verdicts).await?).unwrap_or(verdicts.len()))
    }

    async fn backlog(&self) -> Result<Backlog> {
        Ok(self.count().await?)
    }

    async fn dead(&self, limit: usize) -> Result<Vec<DeadEntry>> {
        Ok(self.buried(limit).await?)
    }

    async fn redrive(&self, limit: usize) -> Result<usize> {
        Ok(usize::try_from(self.revive(limit).await?).unwrap_or(limit))
    }

    async fn wait(&self) {
        self.db.wakes().outbox.notified().await;
    }
}
