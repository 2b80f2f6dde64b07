//! The connection that listens: it comes back by itself, for as long as the handle is there.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::{MultiplexedConnection, SendError};
use redis::{Client, PushInfo, PushKind};
use tokio::sync::{Notify, watch};

use super::error::Fault;
use super::inbox::Inbox;
use super::options::RedisOptions;

/// The wait before the second attempt to connect; it doubles up to [`LONGEST`].
const FIRST: Duration = Duration::from_millis(50);
/// What is back is noticed within so much.
const LONGEST: Duration = Duration::from_secs(1);

/// Connects, and goes on listening in a task of its own until `closed`.
pub(super) async fn start(
    client: Client,
    options: RedisOptions,
    inbox: Arc<Inbox>,
    closed: watch::Receiver<()>,
) -> Result<(), Fault> {
    let line = Line { client, options, inbox };
    let connected = line.connect().await?;
    tokio::spawn(line.hold(connected, closed));
    Ok(())
}

/// A connection, and what tells that it has ended.
struct Connected {
    connection: MultiplexedConnection,
    cut: Arc<Notify>,
}

/// The way to the server.
struct Line {
    client: Client,
    options: RedisOptions,
    inbox: Arc<Inbox>,
}

impl Line {
    /// Connects and subscribes. When this returns, the server has confirmed it: what is told from now on is heard.
    async fn connect(&self) -> Result<Connected, Fault> {
        let (inbox, cut) = (Arc::clone(&self.inbox), Arc::new(Notify::new()));
        let told = Arc::clone(&cut);
        let config = self.options.listening().set_push_sender(move |push: PushInfo| {
            match push.kind {
                // Kept for the one who waits, who may not have come yet.
                PushKind::Disconnection => told.notify_one(),
                _ => inbox.take(&push),
            }
            Ok::<(), SendError>(())
        });
        let patience = self.options.connect_timeout + self.options.response_timeout;
        let connected = async {
            let mut connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
            connection.subscribe(&[self.inbox.bus_channel(), self.inbox.links_channel()]).await?;
            Ok(Connected { connection, cut })
        };
        tokio::time::timeout(patience, connected).await.map_err(|_| Fault::Late)?
    }

    /// Holds the connection, and connects again whenever it has ended.
    async fn hold(self, mut connected: Connected, mut closed: watch::Receiver<()>) {
        loop {
            tokio::select! {
                () = self.watch(&mut connected) => {}
                _ = closed.changed() => return,
            }
            tracing::warn!("the connection to Redis that listens has ended");
            let mut wait = FIRST;
            connected = loop {
                tokio::select! {
                    again = self.connect() => match again {
                        Ok(again) => break again,
                        Err(fault) => tracing::debug!(?fault, "Redis is still away"),
                    },
                    _ = closed.changed() => return,
                }
                // A wait that ends early when the handle is closed.
                if tokio::time::timeout(wait, closed.changed()).await.is_ok() {
                    return;
                }
                wait = (wait * 2).min(LONGEST);
            };
            tracing::info!("listening to Redis again");
            self.inbox.reconnected();
        }
    }

    /// Returns when the connection has ended, or does not answer any more.
    async fn watch(&self, connected: &mut Connected) {
        while tokio::time::timeout(self.options.heartbeat, connected.cut.notified()).await.is_err() {
            let answer: Result<(), _> = redis::cmd("PING").query_async(&mut connected.connection).await;
            if answer.is_err() {
                return;
            }
        }
    }
}
