//! The handle of an open database.

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnection, SqlitePool, SqlitePoolOptions};
use sqlx::{Connection as _, Sqlite as Driver};
use waypost_core::Result;
use waypost_core::clock::{Clock as _, SystemClock};
use waypost_core::events::Epoch;
use waypost_core::health::Probe;

use super::columns::Columns as _;
use super::error::Fault;
use super::migrations::{self, Run};
use super::options::SqliteOptions;
use super::wake::Wakes;
use super::writer::{Write, Writer};

/// An open database: one connection that writes, a few that read. Clones share them.
///
/// Several processes may have the same file open; they take turns at writing.
///
/// ```
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// use waypost_adapters::sqlite::{Sqlite, SqliteLinkStore};
/// use waypost_core::links::{Domain, LinkStore as _, Slug};
///
/// let folder = tempfile::tempdir()?;
/// let db = Sqlite::open(folder.path().join("waypost.db")).await?;
/// let links = SqliteLinkStore::new(&db);
/// assert_eq!(links.find(&Domain::main(), &Slug::parse("nowhere")?).await?, None);
/// db.close().await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sqlite {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    writer: Writer,
    readers: SqlitePool,
    wakes: Wakes,
    epoch: Epoch,
}

impl Sqlite {
    /// Opens the database, makes it if there is none, and brings its tables up to date.
    ///
    /// # Errors
    /// [`Conflict`](waypost_core::Kind::Conflict) when a newer program has migrated it,
    /// [`Unavailable`](waypost_core::Kind::Unavailable) when the file cannot be opened or written.
    pub async fn open(options: impl Into<SqliteOptions>) -> Result<Self> {
        // Boxed: what is large is compiled here, once, and not in each program that opens a database.
        let options = options.into();
        let opened: Result<Self, Fault> = Box::pin(Self::open_with(options)).await;
        Ok(opened?)
    }

    async fn open_with(options: SqliteOptions) -> Result<Self, Fault> {
        let mut conn = connect(&options).await?;
        migrations::run(&mut conn, Run::Apply).await?;
        let epoch = epoch(&mut conn, &options).await?;
        let readers = SqlitePoolOptions::new()
            .min_connections(0)
            .max_connections(options.readers.max(1))
            .idle_timeout(options.idle)
            .max_lifetime(None)
            .acquire_timeout(options.busy_timeout)
            // A connection to a file does not go away.
            .test_before_acquire(false)
            .connect_lazy_with(options.reading());
        let wakes = Wakes::default();
        let writer = Writer::new(conn, wakes.clone());
        Ok(Self { inner: Arc::new(Inner { writer, readers, wakes, epoch }) })
    }

    /// Ends it: lets the writes in line finish, empties the write-ahead log into the file, and closes every connection.
    /// Calls that come later are [`Unavailable`](waypost_core::Kind::Unavailable).
    ///
    /// Without it nothing is lost; the next to open the file reads the log.
    ///
    /// # Errors
    /// [`Unavailable`](waypost_core::Kind::Unavailable) when the log could not be emptied.
    pub async fn close(&self) -> Result<()> {
        self.inner.readers.close().await;
        Ok(self.inner.writer.close().await?)
    }

    /// Begins a write, when its turn has come.
    pub(super) async fn write(&self) -> Result<Write, Fault> {
        self.inner.writer.begin().await
    }

    /// A connection that reads.
    pub(super) async fn read(&self) -> Result<PoolConnection<Driver>, Fault> {
        Ok(self.inner.readers.acquire().await?)
    }

    pub(super) fn wakes(&self) -> &Wakes {
        &self.inner.wakes
    }

    /// Which event log this is.
    pub(super) fn epoch(&self) -> Epoch {
        self.inner.epoch
    }
}

/// Opens the connection that writes. Two processes that make a file at once can be in each other's way while it turns
/// to write-ahead logging, which no busy timeout covers.
pub(super) async fn connect(options: &SqliteOptions) -> Result<SqliteConnection, Fault> {
    const TRIES: u32 = 20;
    let mut tries = 0;
    loop {
        let opened = SqliteConnection::connect_with(&options.writing()).await.map_err(Fault::from);
        tries += 1;
        match opened {
            Err(fault) if fault.is_busy() && tries < TRIES => {
                SystemClock.sleep_until(SystemClock.now() + std::time::Duration::from_millis(50)).await;
            }
            opened => return opened,
        }
    }
}

/// Draws the epoch of the event log, unless it has one. Positive, since SQLite's integers have a sign.
async fn epoch(conn: &mut SqliteConnection, options: &SqliteOptions) -> Result<Epoch, Fault> {
    const FOUND: &str = "INSERT INTO waypost_event_log (one, epoch) VALUES (1, ?) ON CONFLICT DO NOTHING";
    const READ: &str = "SELECT epoch FROM waypost_event_log";
    if let Some(row) = sqlx::query(READ).fetch_optional(&mut *conn).await? {
        return Ok(Epoch(row.count(0)?));
    }
    let mut bytes = [0; 8];
    options.entropy.fill(&mut bytes);
    sqlx::query(FOUND).bind(i64::from_be_bytes(bytes) & i64::MAX).execute(&mut *conn).await?;
    Ok(Epoch(sqlx::query(READ).fetch_one(conn).await?.count(0)?))
}

/// Whether the database answers.
#[derive(Clone, Debug)]
pub struct SqliteProbe {
    db: Sqlite,
}

impl SqliteProbe {
    /// A probe of `db`.
    pub fn new(db: &Sqlite) -> Self {
        Self { db: db.clone() }
    }

    async fn look(&self) -> Result<(), Fault> {
        sqlx::query("SELECT epoch FROM waypost_event_log").fetch_one(&mut *self.db.read().await?).await?;
        // Its turn at the connection that writes comes only if that is alive; it writes nothing.
        drop(self.db.write().await?);
        Ok(())
    }
}

#[async_trait]
impl Probe for SqliteProbe {
    fn name(&self) -> &str {
        "sqlite"
    }

    async fn check(&self) -> Result<()> {
        Ok(self.look().await?)
    }
}
