//! OAuth clients in PostgreSQL.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::postgres::PgRow;
use uuid::Uuid;
use waypost_core::Result;
use waypost_core::clients::{Client, ClientSecret, ClientStore, RedirectUri};
use waypost_core::credentials::{Scopes, SecretHash};
use waypost_core::ids::{ClientId, WorkspaceId};

use super::columns::{Columns as _, Moment, Query, number};
use super::credentials::plan;
use super::database::Postgres;
use super::error::Fault;

macro_rules! columns {
    () => {
        "id, workspace, name, scopes, plan, secrets, jwks, redirect_uris, created_at, revoked_at, version"
    };
}
macro_rules! clients {
    ($rest:literal) => {
        concat!("SELECT ", columns!(), " FROM waypost_client WHERE ", $rest)
    };
}
const PROPOSE: &str = concat!(
    "INSERT INTO waypost_client (",
    columns!(),
    ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING"
);
const CLIENT: &str = clients!("id = $1");
const CLIENTS: &str = clients!("workspace = $1 ORDER BY created_at, id");
/// Of the version before alone. Of those who change it at once the others wait, and then look at the version anew.
const UPDATE: &str = "UPDATE waypost_client SET name = $3, scopes = $4, plan = $5, secrets = $6, jwks = $7, \
    redirect_uris = $8, created_at = $9, revoked_at = $10, version = $11 \
    WHERE id = $1 AND workspace = $2 AND version = $11 - 1";

/// A secret as JSON: hash, hint, moment of making, end.
type Secret = ([u8; 32], String, i64, Option<i64>);

/// Keeps OAuth clients in PostgreSQL.
#[derive(Clone, Debug)]
pub struct PostgresClientStore {
    db: Postgres,
}

impl PostgresClientStore {
    /// The clients in `db`.
    pub fn new(db: &Postgres) -> Self {
        Self { db: db.clone() }
    }

    async fn rows(&self, query: Query<'_>) -> Result<Vec<PgRow>, Fault> {
        let mut conn = self.db.connection().await?;
        let rows = query.fetch_all(&mut *conn).await?;
        Ok(conn.done(rows))
    }

    /// A proposal waits for another of the same id to be decided, so the look after it sees the one that won.
    async fn insert(&self, client: &Client) -> Result<Client, Fault> {
        let mut conn = self.db.connection().await?;
        bind(sqlx::query(PROPOSE), client)?.execute(&mut *conn).await?;
        let look = sqlx::query(CLIENT).bind(Uuid::from_bytes(client.id.to_bytes()));
        let row = look.fetch_one(&mut *conn).await?;
        read(&conn.done(row))
    }

    async fn update(&self, changed: &Client) -> Result<bool, Fault> {
        let mut conn = self.db.connection().await?;
        let updated = bind(sqlx::query(UPDATE), changed)?.execute(&mut *conn).await?.rows_affected();
        Ok(conn.done(updated > 0))
    }
}

/// Binds all that is kept, as the parameters 1 to 11.
fn bind<'q>(query: Query<'q>, client: &'q Client) -> Result<Query<'q>, Fault> {
    let secret = |one: &ClientSecret| -> Secret {
        let expires_at = one.expires_at.map(Timestamp::as_microsecond);
        (one.hash.0, one.hint.clone(), one.created_at.as_microsecond(), expires_at)
    };
    let secrets: Vec<_> = client.secrets.iter().map(secret).collect();
    Ok(query
        .bind(Uuid::from_bytes(client.id.to_bytes()))
        .bind(Uuid::from_bytes(client.workspace.to_bytes()))
        .bind(client.name.as_str())
        .bind(client.scopes.to_string())
        .bind(client.plan.as_ref().map(|plan| plan.as_str()))
        .bind(serde_json::to_string(&secrets).map_err(|_| Fault::Column("secrets"))?)
        .bind(client.jwks.as_deref())
        .bind(client.redirect_uris.iter().map(RedirectUri::as_str).collect::<Vec<_>>())
        .bind(Moment(client.created_at))
        .bind(client.revoked_at.map(Moment))
        .bind(number(client.version)))
}

fn read(row: &PgRow) -> Result<Client, Fault> {
    let secrets: Vec<Secret> = serde_json::from_str(row.at(5)?).map_err(|_| Fault::Column("secrets"))?;
    let uris: Vec<String> = row.at(7)?;
    Ok(Client {
        id: ClientId::from_bytes(row.id(0)?),
        workspace: WorkspaceId::from_bytes(row.id(1)?),
        name: row.at(2)?,
        scopes: Scopes::parse(row.at(3)?).map_err(|_| Fault::Column("scopes"))?,
        plan: plan(row.at(4)?)?,
        secrets: secrets.into_iter().map(secret).collect::<Result<_, _>>()?,
        jwks: row.at(6)?,
        redirect_uris: uris
            .iter()
            .map(|uri| RedirectUri::parse(uri))
            .collect::<Result<_, _>>()
            .map_err(|_| Fault::Column("redirect_uris"))?,
        created_at: row.time(8)?,
        revoked_at: row.maybe_time(9)?,
        version: row.count(10)?,
    })
}

fn secret((hash, hint, created_at, expires_at): Secret) -> Result<ClientSecret, Fault> {
    let moment = |micros| Timestamp::from_microsecond(micros).map_err(|_| Fault::Column("secrets"));
    Ok(ClientSecret {
        hash: SecretHash(hash),
        hint,
        created_at: moment(created_at)?,
        expires_at: expires_at.map(moment).transpose()?,
    })
}

#[async_trait]
impl ClientStore for PostgresClientStore {
    async fn insert_client(&self, client: &Client) -> Result<Client> {
        Ok(self.insert(client).await?)
    }

    async fn client(&self, id: ClientId) -> Result<Option<Client>> {
        let rows = self.rows(sqlx::query(CLIENT).bind(Uuid::from_bytes(id.to_bytes()))).await?;
        Ok(rows.first().map(read).transpose()?)
    }

    async fn clients(&self, workspace: WorkspaceId) -> Result<Vec<Client>> {
        let rows = self.rows(sqlx::query(CLIENTS).bind(Uuid::from_bytes(workspace.to_bytes()))).await?;
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    async fn update_client(&self, changed: &Client) -> Result<bool> {
        Ok(self.update(changed).await?)
    }
}
