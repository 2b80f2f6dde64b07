//! The handle of a database, and the connections that calls run on.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnection, PgPool, PgPoolOptions};
use sqlx::{Connection as _, Executor as _};
use waypost_core::Result;
use waypost_core::events::Epoch;
use waypost_core::health::Probe;

use super::columns::{Columns as _, Driver};
use super::error::Fault;
use super::migrations::{self, Run};
use super::options::PostgresOptions;
use super::signals::Signals;

/// A connection that nobody used for this long is tried before it is used: it may have died with its server.
const TRUSTED: Duration = Duration::from_secs(1);
/// How long that trial may take.
const TRIAL: Duration = Duration::from_secs(1);
/// After how long without use a connection is closed.
const IDLE: Duration = Duration::from_secs(300);

/// Locks are taken in a statement before the one that reads what they guard: each must see what is committed. As an option
/// of the connection the value would not do: the driver writes its blank in a way that the server does not read.
const ISOLATION: &str = "SET default_transaction_isolation = 'read committed'";

/// A database: connections that calls share, and one that listens. Clones share them.
#[derive(Clone, Debug)]
pub struct Postgres {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    pool: PgPool,
    signals: Signals,
    epoch: Epoch,
}

impl Postgres {
    /// Connects, and brings the tables up to date.
    ///
    /// Nodes may open one database at once: one migrates, the others wait for it. A node of the version before goes on
    /// working on the new tables.
    ///
    /// # Errors
    /// [`Conflict`](waypost_core::Kind::Conflict) when its tables are not of this program,
    /// [`Unavailable`](waypost_core::Kind::Unavailable) when it is away, [`Invalid`](waypost_core::Kind::Invalid) for an
    /// address that is not one.
    pub async fn open(options: impl Into<PostgresOptions>) -> Result<Self> {
        // Boxed: what is large is compiled here, once, and not in each program that opens a database.
        let options = options.into();
        let opened: Result<Self, Fault> = Box::pin(Self::open_with(options)).await;
        Ok(opened?)
    }

    async fn open_with(options: PostgresOptions) -> Result<Self, Fault> {
        let mut conn = connect(&options).await?;
        migrations::run(&mut conn, &options, Run::Apply).await?;
        let epoch = epoch(&mut conn, &options).await?;
        conn.close().await?;
        let pool = PgPoolOptions::new()
            .max_connections(options.connections.max(1))
            .acquire_timeout(options.acquire_timeout)
            .idle_timeout(IDLE)
            .test_before_acquire(false)
            .after_connect(|conn, _| {
                Box::pin(async move {
                    conn.execute(ISOLATION).await?;
                    Ok(())
                })
            })
            .before_acquire(|conn, met| {
                Box::pin(async move {
                    if met.idle_for < TRUSTED {
                        return Ok(true);
                    }
                    Ok(tokio::time::timeout(TRIAL, conn.ping()).await.is_ok_and(|tried| tried.is_ok()))
                })
            })
            .connect_lazy_with(options.calling()?);
        let signals = Signals::start(options.calling()?, &*options.entropy).await?;
        Ok(Self { inner: Arc::new(Inner { pool, signals, epoch }) })
    }

    /// Ends it: lets calls finish and closes every connection. Later calls are
    /// [`Unavailable`](waypost_core::Kind::Unavailable). Without it nothing is lost.
    pub async fn close(&self) {
        self.inner.signals.stop();
        self.inner.pool.close().await;
    }

    /// A connection for one call.
    pub(super) async fn connection(&self) -> Result<Connection, Fault> {
        Ok(Connection { conn: Some(self.inner.pool.acquire().await?) })
    }

    /// A connection with a transaction begun.
    pub(super) async fn begin(&self) -> Result<Transaction, Fault> {
        self.begin_with("BEGIN").await
    }

    /// A connection with a transaction begun by these statements, in one round trip.
    pub(super) async fn begin_with(&self, begin: &'static str) -> Result<Transaction, Fault> {
        let mut conn = self.connection().await?;
        conn.execute(begin).await?;
        Ok(Transaction { conn })
    }

    /// What wakes those who wait, on this node and on others.
    pub(super) fn signals(&self) -> &Signals {
        &self.inner.signals
    }

    /// Which event log this is.
    pub(super) fn epoch(&self) -> Epoch {
        self.inner.epoch
    }
}

/// A connection that is given back by [`done`](Self::done), and closed if it is merely dropped: a call that was given
/// up may have left half a conversation on it.
#[derive(Debug)]
pub(super) struct Connection {
    conn: Option<PoolConnection<Driver>>,
}

impl Connection {
    /// Gives the connection back, with what the call came to.
    pub(super) fn done<T>(mut self, outcome: T) -> T {
        if let Some(mut conn) = self.conn.take() {
            // On its way back it is tried, and merely dropped it would be so for as long as the network keeps silent,
            // with its place in the pool.
            let back = conn.return_to_pool();
            tokio::spawn(async move { tokio::time::timeout(TRIAL, back).await });
        }
        outcome
    }
}

impl Deref for Connection {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.conn.as_ref().expect("it is there until it is given back")
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.conn.as_mut().expect("it is there until it is given back")
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(conn) = self.conn.take() {
            drop(conn.detach());
        }
    }
}

/// A transaction. Dropped without an end it is undone, by closing its connection.
#[derive(Debug)]
pub(super) struct Transaction {
    conn: Connection,
}

impl Transaction {
    /// Makes it last.
    pub(super) async fn commit(mut self) -> Result<(), Fault> {
        self.conn.execute("COMMIT").await?;
        self.conn.done(());
        Ok(())
    }

    /// Undoes it, and keeps the connection.
    pub(super) async fn rollback(mut self) -> Result<(), Fault> {
        self.conn.execute("ROLLBACK").await?;
        self.conn.done(());
        Ok(())
    }
}

impl Deref for Transaction {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.conn
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.conn
    }
}

/// Opens a connection for migrations, within the time that a call has.
pub(super) async fn connect(options: &PostgresOptions) -> Result<PgConnection, Fault> {
    let session = options.migrating()?;
    match tokio::time::timeout(options.acquire_timeout, PgConnection::connect_with(&session)).await {
        Ok(connected) => Ok(connected?),
        Err(_) => Err(sqlx::Error::PoolTimedOut.into()),
    }
}

/// Which event log the database holds, drawn by the first who asks.
async fn epoch(conn: &mut PgConnection, options: &PostgresOptions) -> Result<Epoch, Fault> {
    const DRAW: &str = "INSERT INTO waypost_event_log (epoch) VALUES ($1) ON CONFLICT DO NOTHING";
    const READ: &str = "SELECT epoch FROM waypost_event_log";
    let mut drawn = [0; 8];
    options.entropy.fill(&mut drawn);
    sqlx::query(DRAW).bind(i64::from_be_bytes(drawn)).execute(&mut *conn).await?;
    let row = sqlx::query(READ).fetch_one(conn).await?;
    Ok(Epoch(row.at::<i64>(0)?.cast_unsigned()))
}

/// Tells whether the database answers.
#[derive(Clone, Debug)]
pub struct PostgresProbe {
    db: Postgres,
}

impl PostgresProbe {
    /// Probes `db`.
    pub fn new(db: &Postgres) -> Self {
        Self { db: db.clone() }
    }

    async fn ask(&self) -> Result<(), Fault> {
        let mut conn = self.db.connection().await?;
        conn.ping().await?;
        conn.done(());
        Ok(())
    }
}

#[async_trait]
impl Probe for PostgresProbe {
    fn name(&self) -> &str {
        "postgres"
    }

    async fn check(&self) -> Result<()> {
        Ok(self.ask().await?)
    }
}
