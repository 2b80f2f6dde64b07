//! Where Redis is, and how it is spoken to.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::ConnectionManagerConfig;
use redis::io::tcp::TcpSettings;
use redis::{AsyncConnectionConfig, Client, ConnectionAddr, IntoConnectionInfo as _, ProtocolVersion};
use waypost_core::entropy::{Entropy, OsEntropy};

use super::error::Fault;

/// Commands that wait for their turn on the one connection: enough for every request that a node has in flight, and a
/// bound on what they hold in memory. Beyond it, callers wait.
const QUEUED: usize = 1_024;

/// Where Redis is, and how it is spoken to.
///
/// ```
/// use waypost_adapters::redis::RedisOptions;
///
/// let options = RedisOptions { prefix: "links".into(), ..RedisOptions::new("redis://:secret@cache.example.com") };
/// assert!(!format!("{options:?}").contains("secret"));
/// ```
#[derive(Clone)]
pub struct RedisOptions {
    /// `redis://USER:PASSWORD@HOST:PORT/DATABASE`, or `rediss://` for TLS.
    pub url: String,
    /// What every key and channel begins with, by default `waypost`: 1 to 64 characters without braces. It stands in
    /// braces, as the hash tag that keeps all keys in one slot of a cluster.
    pub prefix: String,
    /// How long one attempt to connect may take, by default 1 s: far longer than a round trip to anywhere sensible,
    /// short enough that a node learns at its start that Redis is away.
    pub connect_timeout: Duration,
    /// How long an answer may take, by default 2 s: the longest script runs for milliseconds, and a client waits for
    /// no longer. A connection whose answer is late is given up for a new one.
    pub response_timeout: Duration,
    /// How often the connection that only listens is tried, by default 2 s: within so much, and the time for an answer,
    /// a connection that died without a word is found out.
    pub heartbeat: Duration,
    /// Draws the epochs of the event log, and the tokens of its groups.
    pub entropy: Arc<dyn Entropy>,
}

impl RedisOptions {
    /// The defaults, for the server at `url`.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            prefix: "waypost".to_owned(),
            connect_timeout: Duration::from_secs(1),
            response_timeout: Duration::from_secs(2),
            heartbeat: Duration::from_secs(2),
            entropy: Arc::new(OsEntropy),
        }
    }

    /// The client that makes connections. RESP3, so that the end of a connection is noticed without a command.
    pub(super) fn client(&self) -> Result<Client, Fault> {
        let address = self.url.as_str().into_connection_info().map_err(|_| Fault::Url)?;
        if matches!(address.addr(), ConnectionAddr::TcpTls { .. }) {
            // The driver takes the provider of the process. One that the program chose before stays.
            let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        }
        let session = address.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        // A command is one small packet, and somebody waits for its answer.
        let tcp = TcpSettings::default().set_nodelay(true);
        Client::open(address.set_redis_settings(session).set_tcp_settings(tcp)).map_err(|_| Fault::Url)
    }

    /// The connection for commands. One retry: a caller is waiting, and the next command begins anew.
    pub(super) fn commanding(&self) -> ConnectionManagerConfig {
        ConnectionManagerConfig::new()
            .set_number_of_retries(1)
            .set_connection_timeout(Some(self.connect_timeout))
            .set_response_timeout(Some(self.response_timeout))
            .set_pipeline_buffer_size(QUEUED)
    }

    /// The connection that listens.
    pub(super) fn listening(&self) -> AsyncConnectionConfig {
        AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.connect_timeout))
            .set_response_timeout(Some(self.response_timeout))
    }
}

impl fmt::Debug for RedisOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisOptions")
            .field("prefix", &self.prefix)
            .field("connect_timeout", &self.connect_timeout)
            .field("response_timeout", &self.response_timeout)
            .finish_non_exhaustive()
    }
}

impl From<&str> for RedisOptions {
    fn from(url: &str) -> Self {
        Self::new(url)
    }
}
