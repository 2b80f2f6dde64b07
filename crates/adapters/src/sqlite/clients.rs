//! OAuth clients in SQLite.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use waypost_core::Result;
use waypost_core::clients::{Client, ClientSecret, ClientStore, RedirectUri};
use waypost_core::credentials::{Scopes, SecretHash};
use waypost_core::ids::{ClientId, WorkspaceId};

use super::columns::{Columns as _, Query, micros, number};
use super::credentials::plan;
use super::database::Sqlite;
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
    ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT DO NOTHING"
);
const CLIENT: &str = clients!("id = ?1");
const CLIENTS: &str = clients!("workspace = ?1 ORDER BY created_at, id");
/// Of the version before alone.
const UPDATE: &str = "UPDATE waypost_client SET name = ?3, scopes = ?4, plan = ?5, secrets = ?6, jwks = ?7, \
    redirect_uris = ?8, created_at = ?9, revoked_at = ?10, version = ?11 \
    WHERE id = ?1 AND workspace = ?2 AND version = ?11 - 1";

/// A secret as JSON: hash, hint, moment of making, end.
type Secret = ([u8; 32], String, i64, Option<i64>);

/// Keeps OAuth clients in SQLite.
#[derive(Clone, Debug)]
pub struct SqliteClientStore {
    db: Sqlite,
}

impl SqliteClientStore {
    /// The clients in `db`.
    pub fn new(db: &Sqlite) -> Self {
        Self { db: db.clone() }
    }

    async fn insert(&self, client: &Client) -> Result<Client, Fault> {
        let mut tx = self.db.write().await?;
        bind(sqlx::query(PROPOSE), client)?.execute(&mut *tx).await?;
        let row = sqlx::query(CLIENT).bind(&client.id.to_bytes()[..]).fetch_one(&mut *tx).await?;
        tx.commit().await?;
        read(&row)
    }

    async fn find(&self, id: ClientId) -> Result<Option<Client>, Fault> {
        let query = sqlx::query(CLIENT).bind(&id.to_bytes()[..]);
        query.fetch_optional(&mut *self.db.read().await?).await?.as_ref().map(read).transpose()
    }

    async fn list(&self, workspace: WorkspaceId) -> Result<Vec<Client>, Fault> {
        let query = sqlx::query(CLIENTS).bind(&workspace.to_bytes()[..]);
        query.fetch_all(&mut *self.db.read().await?).await?.iter().map(read).collect()
    }

    async fn update(&self, changed: &Client) -> Result<bool, Fault> {
        let mut tx = self.db.write().await?;
        let updated = bind(sqlx::query(UPDATE), changed)?.execute(&mut *tx).await?.rows_affected();
        tx.commit().await?;
        Ok(updated > 0)
    }
}

/// Binds all that is kept, as the parameters 1 to 11.
fn bind<'q>(query: Query<'q>, client: &Client) -> Result<Query<'q>, Fault> {
    let secret = |one: &ClientSecret| -> Secret {
        (one.hash.0, one.hint.clone(), micros(one.created_at), one.expires_at.map(micros))
    };
    let secrets: Vec<_> = client.secrets.iter().map(secret).collect();
    let uris: Vec<_> = client.redirect_uris.iter().map(RedirectUri::as_str).collect();
    Ok(query
        .bind(client.id.to_bytes().to_vec())
        .bind(client.workspace.to_bytes().to_vec())
        .bind(client.name.clone())
        .bind(client.scopes.to_string())
        .bind(client.plan.as_ref().map(|plan| plan.as_str().to_owned()))
        .bind(serde_json::to_string(&secrets).map_err(|_| Fault::Column("secrets"))?)
        .bind(client.jwks.clone())
        .bind(serde_json::to_string(&uris).map_err(|_| Fault::Column("redirect_uris"))?)
        .bind(micros(client.created_at))
        .bind(client.revoked_at.map(micros))
        .bind(number(client.version)))
}

fn read(row: &SqliteRow) -> Result<Client, Fault> {
    let secrets: Vec<Secret> = serde_json::from_str(row.at(5)?).map_err(|_| Fault::Column("secrets"))?;
    let uris: Vec<String> = serde_json::from_str(row.at(7)?).map_err(|_| Fault::Column("redirect_uris"))?;
    Ok(Client {
        id: ClientId::from_bytes(row.bytes(0)?),
        workspace: WorkspaceId::from_bytes(row.bytes(1)?),
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
impl ClientStore for SqliteClientStore {
    async fn insert_client(&self, client: &Client) -> Result<Client> {
        Ok(self.insert(client).await?)
    }

    async fn client(&self, id: ClientId) -> Result<Option<Client>> {
        Ok(self.find(id).await?)
    }

    async fn clients(&self, workspace: WorkspaceId) -> Result<Vec<Client>> {
        Ok(self.list(workspace).await?)
    }

    async fn update_client(&self, changed: &Client) -> Result<bool> {
        Ok(self.update(changed).await?)
    }
}
