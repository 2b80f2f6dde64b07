//! The handle: one connection for commands, one that listens.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use redis::{Cmd, FromRedisValue};
use tokio::sync::watch;
use waypost_core::Result;
use waypost_core::entropy::Entropy;
use waypost_core::health::Probe;

use super::commands::Commands;
use super::error::Fault;
use super::inbox::Inbox;
use super::keys::Keys;
use super::listening;
use super::options::RedisOptions;

/// An open Redis. Clones share it; when the last one is dropped, its connections are closed.
#[derive(Clone)]
pub struct Redis {
    inner: Arc<Inner>,
}

struct Inner {
    keys: Keys,
    commands: Commands,
    inbox: Arc<Inbox>,
    entropy: Arc<dyn Entropy>,
    /// Its end tells the task that listens to end.
    _open: watch::Sender<()>,
}

impl Redis {
    /// Connects, and listens for what other nodes tell.
    ///
    /// # Errors
    /// [`Unavailable`](waypost_core::Kind::Unavailable) or [`Timeout`](waypost_core::Kind::Timeout), within seconds,
    /// when there is no server; [`Invalid`](waypost_core::Kind::Invalid) when the address or the prefix is none.
    pub async fn open(options: impl Into<RedisOptions>) -> Result<Self> {
        Ok(Self::connect(options.into()).await?)
    }

    async fn connect(options: RedisOptions) -> Result<Self, Fault> {
        let keys = Keys::new(&options.prefix)?;
        let client = options.client()?;
        let entropy = Arc::clone(&options.entropy);
        let commands = Commands::connect(client.clone(), options.clone()).await?;
        let inbox = Arc::new(Inbox::new(&keys));
        let (open, closed) = watch::channel(());
        listening::start(client, options, Arc::clone(&inbox), closed).await?;
        Ok(Self { inner: Arc::new(Inner { keys, commands, inbox, entropy, _open: open }) })
    }

    /// Runs a command that may run twice.
    pub(super) async fn query<T: FromRedisValue>(&self, cmd: &Cmd) -> Result<T, Fault> {
        self.inner.commands.query(cmd).await
    }

    /// Names keys.
    pub(super) fn keys(&self) -> &Keys {
        &self.inner.keys
    }

    /// What other nodes tell.
    pub(super) fn inbox(&self) -> &Arc<Inbox> {
        &self.inner.inbox
    }

    /// Sixty-four bits that nobody drew before.
    pub(super) fn draw(&self) -> u64 {
        let mut bytes = [0; 8];
        self.inner.entropy.fill(&mut bytes);
        u64::from_be_bytes(bytes)
    }

    /// The id that the server drew when it started. Some services forbid the question: then there is none.
    pub(super) async fn run_id(&self) -> Result<String, Fault> {
        let told: Result<String, Fault> = self.query(redis::cmd("INFO").arg("server")).await;
        match told {
            Ok(told) => Ok(told.lines().find_map(|line| line.strip_prefix("run_id:")).unwrap_or_default().to_owned()),
            Err(fault) if fault.is_refusal() => Ok(String::new()),
            Err(fault) => Err(fault),
        }
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("keys", &self.inner.keys).finish_non_exhaustive()
    }
}

/// Whether Redis answers.
#[derive(Clone, Debug)]
pub struct RedisProbe {
    redis: Redis,
}

impl RedisProbe {
    /// Probes `redis`.
    pub fn new(redis: &Redis) -> Self {
        Self { redis: redis.clone() }
    }
}

#[async_trait]
impl Probe for RedisProbe {
    fn name(&self) -> &str {
        "redis"
    }

    async fn check(&self) -> Result<()> {
        Ok(self.redis.query::<()>(&redis::cmd("PING")).await?)
    }
}
