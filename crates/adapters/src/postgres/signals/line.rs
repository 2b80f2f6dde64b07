//! The connection that listens and tells: it comes back by itself, for as long as the handle is there.

use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::sync::watch;
use tokio::time::timeout;

use super::inbox::Inbox;
use super::word::channel;
use crate::postgres::columns::Columns as _;
use crate::postgres::error::Fault;

const NAME: &str = concat!("SELECT ", channel!());
const TELL: &str = concat!("SELECT pg_notify(", channel!(), ", word) FROM UNNEST($1::text[]) AS word");

/// Between two tellings, so that a busy node tells the others fifty times a second and not thousands.
const REST: Duration = Duration::from_millis(20);
/// A connection that nothing came over is tried: it may have been cut without a word.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How long an answer may take, or a connection to be made.
const PATIENCE: Duration = Duration::from_secs(5);
/// The wait before the second attempt to connect; it doubles up to [`LONGEST`].
const FIRST: Duration = Duration::from_millis(50);
/// What is back is noticed within so much.
const LONGEST: Duration = Duration::from_secs(1);

/// Connects, and goes on in a task of its own until `closed`.
pub(super) async fn start(
    options: PgConnectOptions,
    inbox: Arc<Inbox>,
    closed: watch::Receiver<bool>,
) -> Result<(), Fault> {
    let listener = connect(&options).await?;
    tokio::spawn(hold(options, inbox, listener, closed));
    Ok(())
}

/// Holds a connection, and connects again whenever it has ended.
async fn hold(
    options: PgConnectOptions,
    inbox: Arc<Inbox>,
    mut listener: PgListener,
    mut closed: watch::Receiver<bool>,
) {
    let work = async {
        loop {
            let ended = pass_on(&inbox, &mut listener).await;
            tracing::warn!(fault = ?ended.err(), "the connection to PostgreSQL that listens has ended");
            listener = reconnect(&options).await;
            tracing::info!("listening to PostgreSQL again");
            inbox.reconnected();
        }
    };
    tokio::select! {
        () = work => {}
        // Or whoever could close it is gone.
        _ = closed.wait_for(|closed| *closed) => {}
    }
}

async fn reconnect(options: &PgConnectOptions) -> PgListener {
    let mut wait = FIRST;
    loop {
        match connect(options).await {
            Ok(listener) => return listener,
            Err(fault) => tracing::debug!(?fault, "PostgreSQL is still away"),
        }
        pause(wait).await;
        wait = (wait * 2).min(LONGEST);
    }
}

/// Connects and listens. When this returns, the server has confirmed it: what is told from now on is heard.
async fn connect(options: &PgConnectOptions) -> Result<PgListener, Fault> {
    let connected = async {
        // The driver listens over a pool; this one has one connection, and nobody else uses it.
        let pool = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None);
        let mut listener = PgListener::connect_with(&pool.connect_lazy_with(options.clone())).await?;
        listener.ignore_pool_close_event(true);
        // A connection that was made anew behind our back would not tell that something was missed.
        listener.eager_reconnect(false);
        let channel: String = sqlx::query(NAME).fetch_one(&mut listener).await?.at(0)?;
        listener.listen(&channel).await?;
        Ok(listener)
    };
    timeout(PATIENCE, connected).await.map_err(|_| sqlx::Error::PoolTimedOut)?
}

/// Passes on what comes in, and tells what is owed, until the connection ends.
async fn pass_on(inbox: &Inbox, listener: &mut PgListener) -> Result<(), Fault> {
    let mut is_rested = true;
    let mut rest = pin!(pause(Duration::ZERO));
    let mut quiet = pin!(pause(HEARTBEAT));
    loop {
        tokio::select! {
            heard = listener.try_recv() => match heard? {
                Some(word) => {
                    inbox.take(word.payload());
                    quiet.set(pause(HEARTBEAT));
                }
                None => return Ok(()),
            },
            () = inbox.owing.notified(), if is_rested => {
                let words = inbox.take_owed();
                answered(sqlx::query(TELL).bind(words).execute(&mut *listener)).await?;
                is_rested = false;
                rest.set(pause(REST));
            }
            () = &mut rest, if !is_rested => is_rested = true,
            () = &mut quiet => {
                let ping = async { sqlx::Acquire::acquire(&mut *listener).await?.ping().await };
                answered(ping).await?;
                quiet.set(pause(HEARTBEAT));
            }
        }
    }
}

async fn answered<T>(answer: impl Future<Output = sqlx::Result<T>>) -> Result<T, Fault> {
    Ok(timeout(PATIENCE, answer).await.map_err(|_| sqlx::Error::PoolTimedOut)??)
}

/// Lets real time pass: what goes over a connection knows no other.
async fn pause(time: Duration) {
    let _ = timeout(time, pending::<()>()).await;
}
