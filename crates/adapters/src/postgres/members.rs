//! Users and members in PostgreSQL.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::postgres::{PgConnection, PgRow};
use uuid::Uuid;
use waypost_core::Result;
use waypost_core::ids::{UserId, WorkspaceId};
use waypost_core::members::{Member, MemberStore, Role, RoleSet, User};

use super::columns::{Columns as _, Moment, Query};
use super::database::Postgres;
use super::error::Fault;

macro_rules! members {
    ($rest:literal) => {
        concat!(
            "SELECT u.id, u.issuer, u.subject, u.name, u.email, u.created_at, u.signed_in_at, m.workspace, m.role, \
             m.since FROM waypost_member m JOIN waypost_user u ON u.id = m.user_id WHERE ",
            $rest
        )
    };
}
/// Who proposes an identity waits for another who does to be decided. Only who signed in changes what is known, and that
/// stays where nothing is proposed: `greatest` passes over what is missing. The row is written even so, to be returned.
const SETTLE: &str = "INSERT INTO waypost_user AS u (id, issuer, subject, name, email, created_at, signed_in_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (issuer, subject) DO UPDATE SET \
    name = CASE WHEN excluded.signed_in_at IS NULL THEN u.name ELSE coalesce(excluded.name, u.name) END, \
    email = CASE WHEN excluded.signed_in_at IS NULL THEN u.email ELSE coalesce(excluded.email, u.email) END, \
    signed_in_at = greatest(u.signed_in_at, excluded.signed_in_at) \
    RETURNING id, issuer, subject, name, email, created_at, signed_in_at";

pub(super) const MEMBER: &str = members!("m.workspace = $1 AND m.user_id = $2");
pub(super) const MEMBERS: &str = members!("m.workspace = $1 ORDER BY m.since, m.user_id");
pub(super) const MEMBERSHIPS: &str = members!("m.user_id = $1 ORDER BY m.since, m.workspace");

/// Roles of one workspace are set one after another. One lock, taken before any row: a lock on each owner's row would
/// have those who hold different rows wait for each other, since who is an owner changes while one waits.
const LOCK: &str =
    "SELECT pg_advisory_xact_lock(hashtextextended('waypost members ' || current_schema() || $1::uuid::text, 0))";
const IS_USER: &str = "SELECT 1 FROM waypost_user WHERE id = $1";
/// The condition of the partial index, word for word, so that it is used.
pub(super) const ANOTHER_OWNER: &str =
    "SELECT 1 FROM waypost_member WHERE workspace = $1 AND user_id <> $2 AND role = 'owner' LIMIT 1";
const SET: &str = "INSERT INTO waypost_member (workspace, user_id, role, since) VALUES ($1, $2, $3, $4) \
    ON CONFLICT (workspace, user_id) DO UPDATE SET role = excluded.role";
const REMOVE: &str = "DELETE FROM waypost_member WHERE workspace = $1 AND user_id = $2";

/// Keeps users and members in PostgreSQL.
#[derive(Clone, Debug)]
pub struct PostgresMemberStore {
    db: Postgres,
}

impl PostgresMemberStore {
    /// The users and members in `db`.
    pub fn new(db: &Postgres) -> Self {
        Self { db: db.clone() }
    }

    async fn settle(&self, proposed: &User) -> Result<User, Fault> {
        let mut conn = self.db.connection().await?;
        let settled = sqlx::query(SETTLE)
            .bind(Uuid::from_bytes(proposed.id.to_bytes()))
            .bind(proposed.issuer.as_str())
            .bind(proposed.subject.as_str())
            .bind(proposed.name.as_deref())
            .bind(proposed.email.as_deref())
            .bind(Moment(proposed.created_at))
            .bind(proposed.signed_in_at.map(Moment))
            .fetch_one(&mut *conn)
            .await;
        match settled.map_err(|fault| Fault::from(fault).taken("user")) {
            // A statement that was refused leaves the connection as it was.
            Err(taken @ Fault::Taken(_)) => Err(conn.done(taken)),
            settled => read_user(&conn.done(settled?)),
        }
    }

    async fn find(&self, workspace: WorkspaceId, user: UserId) -> Result<Option<Member>, Fault> {
        let mut conn = self.db.connection().await?;
        let found = member(&mut conn, workspace, user).await?;
        Ok(conn.done(found))
    }

    async fn list(&self, query: Query<'_>) -> Result<Vec<Member>, Fault> {
        let mut conn = self.db.connection().await?;
        let rows = query.fetch_all(&mut *conn).await?;
        conn.done(rows).iter().map(read_member).collect()
    }

    async fn set(
        &self,
        workspace: WorkspaceId,
        user: UserId,
        role: Option<Role>,
        now: Timestamp,
    ) -> Result<RoleSet, Fault> {
        let (place, id) = (Uuid::from_bytes(workspace.to_bytes()), Uuid::from_bytes(user.to_bytes()));
        let named = |sql| sqlx::query(sql).bind(place).bind(id);
        let mut tx = self.db.begin().await?;
        sqlx::query(LOCK).bind(place).execute(&mut *tx).await?;
        let before = member(&mut tx, workspace, user).await?;
        if role != Some(Role::Owner)
            && before.as_ref().is_some_and(|member| member.role == Role::Owner)
            && named(ANOTHER_OWNER).fetch_optional(&mut *tx).await?.is_none()
        {
            tx.rollback().await?;
            return Ok(RoleSet::LastOwner);
        }
        let done = match role {
            None => {
                named(REMOVE).execute(&mut *tx).await?;
                before
            }
            Some(role) => {
                if sqlx::query(IS_USER).bind(id).fetch_optional(&mut *tx).await?.is_some() {
                    named(SET).bind(role.as_str()).bind(Moment(now)).execute(&mut *tx).await?;
                }
                member(&mut tx, workspace, user).await?
            }
        };
        tx.commit().await?;
        Ok(done.map_or(RoleSet::Unknown, RoleSet::Done))
    }
}

async fn member(conn: &mut PgConnection, workspace: WorkspaceId, user: UserId) -> Result<Option<Member>, Fault> {
    let query =
        sqlx::query(MEMBER).bind(Uuid::from_bytes(workspace.to_bytes())).bind(Uuid::from_bytes(user.to_bytes()));
    query.fetch_optional(conn).await?.as_ref().map(read_member).transpose()
}

fn read_user(row: &PgRow) -> Result<User, Fault> {
    Ok(User {
        id: UserId::from_bytes(row.id(0)?),
        issuer: row.at(1)?,
        subject: row.at(2)?,
        name: row.at(3)?,
        email: row.at(4)?,
        created_at: row.time(5)?,
        signed_in_at: row.maybe_time(6)?,
    })
}

fn read_member(row: &PgRow) -> Result<Member, Fault> {
    Ok(Member {
        workspace: WorkspaceId::from_bytes(row.id(7)?),
        user: read_user(row)?,
        role: Role::parse(row.at(8)?).map_err(|_| Fault::Column("role"))?,
        since: row.time(9)?,
    })
}

#[async_trait]
impl MemberStore for PostgresMemberStore {
    async fn user(&self, proposed: &User) -> Result<User> {
        Ok(self.settle(proposed).await?)
    }

    async fn member(&self, workspace: WorkspaceId, user: UserId) -> Result<Option<Member>> {
        Ok(self.find(workspace, user).await?)
    }

    async fn members(&self, workspace: WorkspaceId) -> Result<Vec<Member>> {
        Ok(self.list(sqlx::query(MEMBERS).bind(Uuid::from_bytes(workspace.to_bytes()))).await?)
    }

    async fn memberships(&self, user: UserId) -> Result<Vec<Member>> {
        Ok(self.list(sqlx::query(MEMBERSHIPS).bind(Uuid::from_bytes(user.to_bytes()))).await?)
    }

    async fn set_role(
        &self,
        workspace: WorkspaceId,
        user: UserId,
        role: Option<Role>,
        now: Timestamp,
    ) -> Result<RoleSet> {
        Ok(self.set(workspace, user, role, now).await?)
    }
}
