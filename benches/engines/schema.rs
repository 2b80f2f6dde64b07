//! Schemas that a run has for itself.

use std::str::FromStr as _;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, Row as _};
use tokio::runtime::Runtime;
use waypost::entropy::{Entropy as _, OsEntropy};
use waypost::postgres::{Postgres, PostgresOptions};

use crate::Outcome;

/// A schema of a run's own.
#[derive(Clone)]
pub(super) struct Schema {
    pub(super) url: String,
    pub(super) name: String,
}

impl Schema {
    /// Makes one with all tables, has the work done, and leaves nothing behind.
    pub(super) fn with<T>(runtime: &Runtime, url: &str, work: impl FnOnce(&Self) -> Outcome<T>) -> Outcome<T> {
        let mut drawn = [0; 8];
        OsEntropy.fill(&mut drawn);
        let schema = Self { url: url.to_owned(), name: format!("bench_{:016x}", u64::from_be_bytes(drawn)) };
        let done = runtime.block_on(schema.node(1)).and_then(|_| work(&schema));
        runtime.block_on(schema.drop_all())?;
        done
    }

    /// A node with so many connections.
    pub(super) async fn node(&self, connections: usize) -> Outcome<Postgres> {
        let (schema, connections) = (Some(self.name.clone()), u32::try_from(connections)?);
        let options = PostgresOptions { schema, connections, ..PostgresOptions::new(&self.url) };
        Ok(Postgres::open(options).await?)
    }

    /// A connection that looks into it.
    pub(super) async fn connection(&self) -> Outcome<PgConnection> {
        let options = PgConnectOptions::from_str(&self.url)?.options([("search_path", &self.name)]);
        Ok(PgConnection::connect_with(&options).await?)
    }

    /// The one number that a question comes to.
    pub(super) async fn number(&self, sql: &'static str) -> Outcome<i64> {
        let mut conn = self.connection().await?;
        let number = conn.fetch_one(sql).await?.try_get(0)?;
        conn.close().await?;
        Ok(number)
    }

    async fn drop_all(&self) -> Outcome<()> {
        let sql = format!("DROP SCHEMA IF EXISTS {} CASCADE", self.name);
        self.connection().await?.execute(AssertSqlSafe(sql)).await?;
        Ok(())
    }
}

/// Says whether a commit waits for the disk, as figures of one that does not would be no figures.
pub(super) async fn is_durable(url: &str) -> Outcome<bool> {
    const ASK: &str = "SELECT current_setting('fsync')::bool AND current_setting('full_page_writes')::bool \
        AND current_setting('synchronous_commit') <> 'off'";
    let mut conn = PgConnection::connect(url).await?;
    Ok(conn.fetch_one(ASK).await?.try_get(0)?)
}
