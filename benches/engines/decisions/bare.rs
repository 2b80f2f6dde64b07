//! Scripts that decide nothing, called as the limiter calls its own: the same keys, the same arguments, the same kind of
//! connection.

use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::io::tcp::TcpSettings;
use redis::{Client, Cmd, IntoConnectionInfo as _, ProtocolVersion};
use waypost::clock::{Clock as _, SystemClock};
use waypost::limits::Algorithm;

use super::QUOTA;
use super::callers::Call;
use crate::Outcome;

/// What an algorithm's calls look like, with a window of a minute.
pub(super) struct Shape {
    pub(super) name: &'static str,
    pub(super) algorithm: Algorithm,
    /// In the key, and in the first argument.
    words: (&'static str, &'static str),
    /// For how many milliseconds a key is kept.
    keep: u64,
    /// Of how many microseconds moments are told.
    unit: i64,
    /// What follows the moment.
    rest: (u64, u64),
    /// Bytes that are kept of a key.
    kept: usize,
}

impl Shape {
    pub(super) const ALL: [Self; 3] = [
        Self {
            name: "token bucket",
            algorithm: Algorithm::TokenBucket,
            words: ("bucket", "bucket"),
            keep: 60_000,
            unit: 1,
            rest: (60, 60_000_000_000),
            kept: 16,
        },
        Self {
            name: "sliding window",
            algorithm: Algorithm::SlidingWindow,
            words: ("sliding", "window"),
            keep: 123_750,
            unit: 3_750_000,
            rest: (QUOTA as u64, 17),
            kept: 80,
        },
        Self {
            name: "fixed window",
            algorithm: Algorithm::FixedWindow,
            words: ("fixed", "window"),
            keep: 120_000,
            unit: 60_000_000,
            rest: (QUOTA as u64, 1),
            kept: 16,
        },
    ];

    /// Reads and writes as many bytes as the limiter's script, and answers with as many.
    pub(super) fn script(&self) -> String {
        let kept = "x".repeat(self.kept);
        format!(
            "local seen = redis.call('GET', KEYS[1]) redis.call('SET', KEYS[1], '{kept}', 'PX', ARGV[3]) \
             return {{1, seen, false}}"
        )
    }
}

/// A script that the server knows.
pub(super) struct Bare {
    connection: ConnectionManager,
    hash: String,
    shape: &'static Shape,
    prefix: String,
}

impl Bare {
    pub(super) async fn load(
        connection: &ConnectionManager,
        script: String,
        shape: &'static Shape,
        prefix: &str,
    ) -> Outcome<Self> {
        let mut connection = connection.clone();
        let hash = redis::cmd("SCRIPT").arg("LOAD").arg(script).query_async(&mut connection).await?;
        // As long as the limiter's, and other keys.
        let prefix = format!("{{{prefix}}}:LIMIT:bench:{}:60:", shape.words.0);
        Ok(Self { connection, hash, shape, prefix })
    }

    /// Calls it.
    pub(super) fn call(&self) -> impl Call + use<> {
        let (connection, hash, shape, prefix) =
            (self.connection.clone(), self.hash.clone(), self.shape, self.prefix.clone());
        move |key: String| {
            let mut cmd = redis::cmd("EVALSHA");
            let now = SystemClock.now().as_microsecond() / shape.unit;
            cmd.arg(&hash).arg(1).arg(format!("{prefix}{key}"));
            cmd.arg(shape.words.1).arg(1).arg(shape.keep).arg(0).arg(now).arg(shape.rest.0).arg(shape.rest.1);
            ask(cmd, connection.clone())
        }
    }
}

async fn ask(cmd: Cmd, mut connection: ConnectionManager) -> Outcome<()> {
    let _: redis::Value = cmd.query_async(&mut connection).await?;
    Ok(())
}

/// One connection for all callers, with the settings of the adapter's.
pub(super) async fn connect(url: &str) -> Outcome<ConnectionManager> {
    let address = url.into_connection_info()?;
    let session = address.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    let tcp = TcpSettings::default().set_nodelay(true);
    let client = Client::open(address.set_redis_settings(session).set_tcp_settings(tcp))?;
    let config = ConnectionManagerConfig::new()
        .set_number_of_retries(1)
        .set_connection_timeout(Some(Duration::from_secs(1)))
        .set_response_timeout(Some(Duration::from_secs(2)))
        .set_pipeline_buffer_size(1_024);
    Ok(ConnectionManager::new_with_config(client, config).await?)
}
