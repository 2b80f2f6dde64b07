//! Where the database is, and how it is spoken to.

use std::fmt;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;
use waypost_core::entropy::{Entropy, OsEntropy};

use super::error::Fault;

/// Where the database is, and how it is spoken to.
///
/// ```
/// use waypost_adapters::postgres::PostgresOptions;
///
/// let url = "postgres://waypost:secret@db.example.com/waypost";
/// let options = PostgresOptions { connections: 20, ..PostgresOptions::new(url) };
/// assert!(!format!("{options:?}").contains("secret"));
/// ```
#[derive(Clone)]
pub struct PostgresOptions {
    /// `postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=…`, as libpq reads it.
    pub url: String,
    /// The schema that the tables stand in; made if it is not there. `None`: the one that the user's `search_path` names
    /// first, `public` as a rule.
    pub schema: Option<String>,
    /// The most connections of this node, by default 10, besides one that listens. All nodes together stay below the
    /// server's `max_connections`.
    pub connections: u32,
    /// How long a call waits for a free or a new connection, by default 3 s: long enough for a burst, shorter than a
    /// client's patience.
    pub acquire_timeout: Duration,
    /// After how long a statement is stopped by the server, by default 10 s. Migrations have no such end.
    pub statement_timeout: Duration,
    /// Draws the epoch of a new event log.
    pub entropy: Arc<dyn Entropy>,
}

impl PostgresOptions {
    /// The defaults, for the database at `url`.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            schema: None,
            connections: 10,
            acquire_timeout: Duration::from_secs(3),
            statement_timeout: Duration::from_secs(10),
            entropy: Arc::new(OsEntropy),
        }
    }

    /// A session for migrations: it may take its time.
    pub(super) fn migrating(&self) -> Result<PgConnectOptions, Fault> {
        let options = PgConnectOptions::from_str(&self.url).map_err(|_| Fault::Url)?;
        let options = options.application_name("waypost").disable_statement_logging().options([
            ("tcp_user_timeout", "10000"),
            ("tcp_keepalives_idle", "10"),
            ("client_connection_check_interval", "1000"),
        ]);
        Ok(match &self.schema {
            Some(schema) => options.options([("search_path", quoted(schema))]),
            None => options,
        })
    }

    /// A session for calls. A node that dies or is cut off in a transaction holds its locks for seconds only: the server
    /// looks whether the client is still there, and ends what stands idle.
    pub(super) fn calling(&self) -> Result<PgConnectOptions, Fault> {
        let millis = |time: Duration| time.as_millis().to_string();
        Ok(self.migrating()?.options([
            ("statement_timeout", millis(self.statement_timeout)),
            ("idle_in_transaction_session_timeout", millis(self.statement_timeout)),
            // Every statement here is short, and a wrong estimate of its cost would have it compiled for 100 ms.
            ("jit", "off".to_owned()),
        ]))
    }
}

/// A name as SQL quotes it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("schema", &self.schema)
            .field("connections", &self.connections)
            .finish_non_exhaustive()
    }
}

impl From<&str> for PostgresOptions {
    fn from(url: &str) -> Self {
        Self::new(url)
    }
}
