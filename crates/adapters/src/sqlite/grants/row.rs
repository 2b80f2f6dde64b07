//! Grants and tokens as rows.

use sqlx::sqlite::SqliteRow;
use waypost_core::credentials::{Scopes, SecretHash, SecretKind};
use waypost_core::grants::{Grant, GrantToken};
use waypost_core::ids::{ClientId, GrantId, UserId, WorkspaceId};

use crate::sqlite::columns::{Columns as _, Query, micros};
use crate::sqlite::error::Fault;

/// The columns of a grant `g`, in the order in which they are bound and read.
macro_rules! grants {
    ($more:literal, $rest:literal) => {
        concat!(
            "SELECT g.id, g.user_id, g.client, g.workspace, g.scopes, g.label, g.created_at, g.used_at, g.expires_at, \
             g.ended_at",
            $more,
            " FROM waypost_grant g ",
            $rest
        )
    };
}
pub(super) use grants;

/// How many columns a grant has; those of a token come after them.
const GRANT: usize = 10;

/// Binds a grant, as the parameters 1 to 10.
pub(super) fn bind_grant<'q>(query: Query<'q>, grant: &Grant) -> Query<'q> {
    query
        .bind(grant.id.to_bytes().to_vec())
        .bind(grant.user.to_bytes().to_vec())
        .bind(grant.client.map(|client| client.to_bytes().to_vec()))
        .bind(grant.workspace.to_bytes().to_vec())
        .bind(grant.scopes.to_string())
        .bind(grant.label.clone())
        .bind(micros(grant.created_at))
        .bind(micros(grant.used_at))
        .bind(micros(grant.expires_at))
        .bind(grant.ended_at.map(micros))
}

/// Binds a token, as the parameters 1 to 6.
pub(super) fn bind_token<'q>(query: Query<'q>, token: &GrantToken) -> Query<'q> {
    query
        .bind(token.hash.0.to_vec())
        .bind(token.kind.as_str())
        .bind(token.grant.to_bytes().to_vec())
        .bind(micros(token.expires_at))
        .bind(token.binding.map(|binding| binding.0.to_vec()))
        .bind(token.used_at.map(micros))
}

/// Reads a grant.
pub(super) fn grant(row: &SqliteRow) -> Result<Grant, Fault> {
    let client: Option<&[u8]> = row.at(2)?;
    let client = client.map(|bytes| bytes.try_into().map(ClientId::from_bytes).map_err(|_| Fault::Column("client")));
    Ok(Grant {
        id: GrantId::from_bytes(row.bytes(0)?),
        user: UserId::from_bytes(row.bytes(1)?),
        client: client.transpose()?,
        workspace: WorkspaceId::from_bytes(row.bytes(3)?),
        scopes: Scopes::parse(row.at(4)?).map_err(|_| Fault::Column("scopes"))?,
        label: row.at(5)?,
        created_at: row.time(6)?,
        used_at: row.time(7)?,
        expires_at: row.time(8)?,
        ended_at: row.maybe_time(9)?,
    })
}

/// Reads the token that stands behind a grant: hash, kind, end, binding, use.
pub(super) fn token(row: &SqliteRow, grant: GrantId) -> Result<GrantToken, Fault> {
    let binding: Option<&[u8]> = row.at(GRANT + 3)?;
    let binding = binding.map(|bytes| bytes.try_into().map(SecretHash).map_err(|_| Fault::Column("binding")));
    Ok(GrantToken {
        hash: SecretHash(row.bytes(GRANT)?),
        kind: SecretKind::from_name(row.at(GRANT + 1)?).ok_or(Fault::Column("kind"))?,
        grant,
        expires_at: row.time(GRANT + 2)?,
        binding: binding.transpose()?,
        used_at: row.maybe_time(GRANT + 4)?,
    })
}
