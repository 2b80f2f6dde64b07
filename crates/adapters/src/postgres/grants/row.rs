//! Grants and tokens as rows.

use sqlx::postgres::PgRow;
use uuid::Uuid;
use waypost_core::credentials::{Scopes, SecretHash, SecretKind};
use waypost_core::grants::{Grant, GrantToken};
use waypost_core::ids::{ClientId, GrantId, UserId, WorkspaceId};

use crate::postgres::columns::{Columns as _, Moment, Query};
use crate::postgres::error::Fault;

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

/// Binds a token, as the next 6 parameters.
pub(super) fn bind_token<'q>(query: Query<'q>, token: &'q GrantToken) -> Query<'q> {
    query
        .bind(&token.hash.0[..])
        .bind(token.kind.as_str())
        .bind(Uuid::from_bytes(token.grant.to_bytes()))
        .bind(Moment(token.expires_at))
        .bind(token.binding.as_ref().map(|binding| &binding.0[..]))
        .bind(token.used_at.map(Moment))
}

/// Binds a grant, as the next 10 parameters.
pub(super) fn bind_grant<'q>(query: Query<'q>, grant: &'q Grant) -> Query<'q> {
    query
        .bind(Uuid::from_bytes(grant.id.to_bytes()))
        .bind(Uuid::from_bytes(grant.user.to_bytes()))
        .bind(grant.client.map(|client| Uuid::from_bytes(client.to_bytes())))
        .bind(Uuid::from_bytes(grant.workspace.to_bytes()))
        .bind(grant.scopes.to_string())
        .bind(grant.label.as_str())
        .bind(Moment(grant.created_at))
        .bind(Moment(grant.used_at))
        .bind(Moment(grant.expires_at))
        .bind(grant.ended_at.map(Moment))
}

/// Reads a grant.
pub(super) fn grant(row: &PgRow) -> Result<Grant, Fault> {
    let client: Option<Uuid> = row.at(2)?;
    Ok(Grant {
        id: GrantId::from_bytes(row.id(0)?),
        user: UserId::from_bytes(row.id(1)?),
        client: client.map(|id| ClientId::from_bytes(id.into_bytes())),
        workspace: WorkspaceId::from_bytes(row.id(3)?),
        scopes: Scopes::parse(row.at(4)?).map_err(|_| Fault::Column("scopes"))?,
        label: row.at(5)?,
        created_at: row.time(6)?,
        used_at: row.time(7)?,
        expires_at: row.time(8)?,
        ended_at: row.maybe_time(9)?,
    })
}

/// Reads the token that stands behind a grant: hash, kind, end, binding, use.
pub(super) fn token(row: &PgRow, grant: GrantId) -> Result<GrantToken, Fault> {
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
