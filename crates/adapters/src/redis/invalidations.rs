//! Word of changed links, by publish and subscribe.

use async_trait::async_trait;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use waypost_core::Result;
use waypost_core::links::{Heard, Invalidations, LinkName, Listener};

use super::connection::Redis;
use super::error::Fault;
use super::names;

/// Tells changed links to every node that listens to the same Redis under the same prefix.
///
/// A word that is told while a node's connection is away is lost to it, and the server cuts off a connection that reads
/// too slowly. Either way the node's listeners hear [`Heard::Everything`] as soon as it is connected again.
#[derive(Clone, Debug)]
pub struct RedisInvalidations {
    redis: Redis,
}

impl RedisInvalidations {
    /// Tells and listens through `redis`.
    pub fn new(redis: &Redis) -> Self {
        Self { redis: redis.clone() }
    }

    async fn tell(&self, changed: &[LinkName]) -> Result<(), Fault> {
        if changed.is_empty() {
            return self.publish(names::EVERYTHING).await;
        }
        for some in changed.chunks(names::AT_ONCE) {
            self.publish(&names::write(some)).await?;
        }
        Ok(())
    }

    async fn publish(&self, message: &str) -> Result<(), Fault> {
        let mut publish = redis::cmd("PUBLISH");
        publish.arg(self.redis.inbox().links_channel()).arg(message);
        self.redis.query(&publish).await
    }
}

#[async_trait]
impl Invalidations for RedisInvalidations {
    async fn announce(&self, names: &[LinkName]) -> Result<()> {
        Ok(self.tell(names).await?)
    }

    async fn listen(&self) -> Result<Box<dyn Listener>> {
        Ok(Box::new(RedisListener { links: self.redis.inbox().links(), _redis: self.redis.clone() }))
    }
}

/// Hears what is told. It keeps the connection open.
#[derive(Debug)]
struct RedisListener {
    links: Receiver<Heard>,
    _redis: Redis,
}

#[async_trait]
impl Listener for RedisListener {
    async fn next(&mut self) -> Heard {
        match self.links.recv().await {
            Ok(heard) => heard,
            Err(RecvError::Lagged(_) | RecvError::Closed) => Heard::Everything,
        }
    }
}
