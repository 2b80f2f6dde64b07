//! What the server says of itself, for those who look whether it will do.

use sqlx::Connection as _;
use waypost_core::Result;

use super::columns::Columns as _;
use super::database::connect;
use super::error::Fault;
use super::options::PostgresOptions;

/// What the server says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostgresServer {
    /// Its major version.
    pub version: u32,
    /// How many connections it has for everybody.
    pub connections: u32,
    /// Whether what it confirmed outlives its crash.
    pub durable: bool,
}

impl PostgresServer {
    /// Asks it; changes nothing.
    ///
    /// # Errors
    /// [`Unavailable`](waypost_core::Kind::Unavailable) when it is away, [`Invalid`](waypost_core::Kind::Invalid) for an
    /// address that is not one.
    pub async fn ask(options: impl Into<PostgresOptions>) -> Result<Self> {
        let asked: Result<_, Fault> = async {
            const ASK: &str = "
                SELECT current_setting('server_version_num')::bigint / 10000,
                       current_setting('max_connections')::bigint,
                       current_setting('fsync')::boolean AND current_setting('synchronous_commit') <> 'off'";
            let mut conn = connect(&options.into()).await?;
            let row = sqlx::query(ASK).fetch_one(&mut conn).await?;
            conn.close().await?;
            let number = |place| Ok::<_, Fault>(u32::try_from(row.count(place)?).unwrap_or(u32::MAX));
            Ok(Self { version: number(0)?, connections: number(1)?, durable: row.at(2)? })
        }
        .await;
        Ok(asked?)
    }
}
