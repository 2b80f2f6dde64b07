//! A schema of a case's own, in the database that the tests were given.
#![expect(clippy::disallowed_methods, reason = "which server the tests may use is told through the environment")]

use std::env;
use std::thread;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use waypost_core::entropy::{Entropy as _, OsEntropy};

/// Names the server.
const URL: &str = "WAYPOST_TEST_POSTGRES_URL";

/// A name for a schema that nobody else has, and the database to make it in. Dropped with all that is in it.
#[derive(Debug)]
pub(crate) struct Schema {
    /// The database.
    pub(crate) url: String,
    /// The schema.
    pub(crate) name: String,
}

impl Schema {
    /// A name for a schema that is not there yet.
    pub(crate) fn fresh() -> Self {
        let url =
            env::var(URL).unwrap_or_else(|_| panic!("{URL} is not set: run scripts/test, which starts the servers"));
        let mut drawn = [0; 8];
        OsEntropy.fill(&mut drawn);
        Self { url, name: format!("case_{:016x}", u64::from_be_bytes(drawn)) }
    }

    /// A connection that looks into the schema.
    pub(crate) async fn connection(&self) -> PgConnection {
        let options: PgConnectOptions = self.url.parse().expect("an address of PostgreSQL");
        let options = options.options([("search_path", &self.name)]);
        PgConnection::connect_with(&options).await.expect("a connection to the server of the tests")
    }

    async fn drop_all(&self) -> sqlx::Result<()> {
        let mut conn = self.connection().await;
        // What still holds a table holds it for seconds only.
        conn.execute(AssertSqlSafe(format!("DROP SCHEMA IF EXISTS {} CASCADE", self.name))).await?;
        conn.close().await
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        // In a thread of its own: a case ends inside a runtime, where nothing may block.
        let dropped = thread::scope(|scope| {
            let drop_all = || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.expect("a runtime").block_on(self.drop_all())
            };
            scope.spawn(drop_all).join()
        });
        if !thread::panicking() {
            dropped.expect("no panic").expect("the schema of the case is dropped");
        }
    }
}
