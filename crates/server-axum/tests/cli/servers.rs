//! The servers of the tests, and a place of a test's own on each.
#![allow(clippy::disallowed_methods, reason = "the environment says where the servers are")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection as _, Executor as _};

/// A schema in PostgreSQL, and a prefix in Redis and in NATS; all are dropped with it.
pub(crate) struct Servers {
    name: String,
}

impl Servers {
    pub(crate) fn new() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let servers = Self { name: format!("cli_{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed)) };
        // An earlier process of this number may have been killed.
        servers.clear();
        servers
    }

    /// The settings of a store in PostgreSQL.
    pub(crate) fn postgres(&self) -> Vec<String> {
        settings(&["--database-url", &url("POSTGRES"), "--database-schema", &self.name])
    }

    /// The settings of Redis.
    pub(crate) fn redis(&self) -> Vec<String> {
        self.redis_at(&url("REDIS"))
    }

    /// The settings of a Redis at this address.
    pub(crate) fn redis_at(&self, url: &str) -> Vec<String> {
        settings(&["--redis-url", url, "--redis-prefix", &self.name])
    }

    /// The settings of NATS.
    pub(crate) fn nats(&self) -> Vec<String> {
        settings(&["--nats-url", &url("NATS"), "--nats-prefix", &self.name])
    }

    fn clear(&self) {
        let name = &self.name;
        let drop = async {
            let mut conn = sqlx::PgConnection::connect(&url("POSTGRES")).await?;
            conn.execute(AssertSqlSafe(format!("DROP SCHEMA IF EXISTS {name} CASCADE"))).await?;
            conn.close().await
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(drop).expect("the schema can be dropped");
        let forget = "for _, key in ipairs(redis.call('KEYS', ARGV[1])) do redis.call('DEL', key) end return 'gone'";
        let pattern = format!("{{{name}}}*");
        let words = ["EVAL", forget, "0", &pattern].map(|word| format!("${}\r\n{word}\r\n", word.len()));
        talk("REDIS", &format!("*4\r\n{}", words.concat()), "gone");
        for stream in [format!("{name}_events"), format!("KV_{name}_groups")] {
            let forget = format!("PUB $JS.API.STREAM.DELETE.{stream} 0\r\n\r\n");
            talk("NATS", &format!("CONNECT {{\"verbose\": false}}\r\n{forget}PING\r\n"), "PONG");
        }
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Where the Redis of the tests is: host and port.
pub(crate) fn redis_address() -> String {
    address(&url("REDIS"))
}

/// Settings as one command line takes them.
pub(crate) fn borrowed(settings: &[Vec<String>]) -> Vec<&str> {
    settings.iter().flatten().map(String::as_str).collect()
}

fn settings(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn url(product: &str) -> String {
    let name = format!("WAYPOST_TEST_{product}_URL");
    std::env::var(&name).unwrap_or_else(|_| panic!("{name} is not set; run scripts/test, which starts the servers"))
}

fn address(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?']).next().and_then(|host| host.rsplit('@').next()).unwrap_or_default().to_owned()
}

/// Sends a text, and reads until the server said the word.
fn talk(product: &str, text: &str, word: &str) {
    let mut stream = TcpStream::connect(address(&url(product))).expect("the server of the tests is there");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a bound");
    stream.write_all(text.as_bytes()).expect("it listens");
    let said = BufReader::new(stream).lines().map_while(Result::ok).any(|line| line.contains(word));
    assert!(said, "{product} did not say {word}");
}
