//! Users and members in SQLite.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use waypost_core::Result;
use waypost_core::ids::{UserId, WorkspaceId};
use waypost_core::members::{Member, MemberStore, Role, RoleSet, User};

use super::columns::{Columns as _, Query, micros};
use super::database::Sqlite;
use super::error::Fault;

macro_rules! users {
    ($rest:literal) => {
        concat!(
            "SELECT u.id, u.issuer, u.subject, u.name, u.email, u.created_at, u.signed_in_at FROM waypost_user u WHERE ",
            $rest
        )
    };
}
macro_rules! members {
    ($rest:literal) => {
        concat!(
            "SELECT u.id, u.issuer, u.subject, u.name, u.email, u.created_at, u.signed_in_at, m.workspace, m.role, \
             m.since FROM waypost_member m JOIN waypost_user u ON u.id = m.user_id WHERE ",
            $rest
        )
    };
}
const BY_IDENTITY: &str = users!("u.issuer = ?1 AND u.subject = ?2");
const BY_ID: &str = users!("u.id = ?1");
const INSERT: &str = "INSERT INTO waypost_user (id, issuer, subject, name, email, created_at, signed_in_at) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING";
/// By who signed in alone. What is known stays where nothing is proposed; `max` of two is nothing where one is.
const REFRESH: &str = "UPDATE waypost_user SET name = coalesce(?2, name), email = coalesce(?3, email), \
    signed_in_at = coalesce(max(signed_in_at, ?4), signed_in_at, ?4) WHERE id = ?1 AND ?4 IS NOT NULL";

const MEMBER: &str = members!("m.workspace = ?1 AND m.user_id = ?2");
const MEMBERS: &str = members!("m.workspace = ?1 ORDER BY m.since, m.user_id");
const MEMBERSHIPS: &str = members!("m.user_id = ?1 ORDER BY m.since, m.workspace");
const SET: &str = "INSERT INTO waypost_member (workspace, user_id, role, since) VALUES (?1, ?2, ?3, ?4) \
    ON CONFLICT (workspace, user_id) DO UPDATE SET role = excluded.role";
const REMOVE: &str = "DELETE FROM waypost_member WHERE workspace = ?1 AND user_id = ?2";
/// The condition of the partial index, word for word, so that it is used.
const ANOTHER_OWNER: &str =
    "SELECT 1 FROM waypost_member WHERE workspace = ?1 AND user_id <> ?2 AND role = 'owner' LIMIT 1";

/// Keeps users and members in SQLite.
#[derive(Clone, Debug)]
pub struct SqliteMemberStore {
    db: Sqlite,
}

impl SqliteMemberStore {
    /// The users and members in `db`.
    pub fn new(db: &Sqlite) -> Self {
        Self { db: db.clone() }
    }

    /// Under the write lock from the first look on, so of those who propose one identity at once the first wins.
    async fn settle(&self, proposed: &User) -> Result<User, Fault> {
        let look = || sqlx::query(BY_IDENTITY).bind(proposed.issuer.as_str()).bind(proposed.subject.as_str());
        let mut tx = self.db.write().await?;
        match look().fetch_optional(&mut *tx).await? {
            Some(row) => {
                let refresh = sqlx::query(REFRESH)
                    .bind(&row.bytes::<16>(0)?[..])
                    .bind(proposed.name.as_deref())
                    .bind(proposed.email.as_deref())
                    .bind(proposed.signed_in_at.map(micros));
                refresh.execute(&mut *tx).await?;
            }
            None => {
                let insert = sqlx::query(INSERT)
                    .bind(&proposed.id.to_bytes()[..])
                    .bind(proposed.issuer.as_str())
                    .bind(proposed.subject.as_str())
                    .bind(proposed.name.as_deref())
                    .bind(proposed.email.as_deref())
                    .bind(micros(proposed.created_at))
                    .bind(proposed.signed_in_at.map(micros));
                if insert.execute(&mut *tx).await?.rows_affected() == 0 {
                    return Err(Fault::Taken("user"));
                }
            }
        }
        let user = read_user(&look().fetch_one(&mut *tx).await?)?;
        tx.commit().await?;
        Ok(user)
    }

    async fn find(&self, workspace: WorkspaceId, user: UserId) -> Result<Option<Member>, Fault> {
        member(&mut *self.db.read().await?, workspace, user).await
    }

    async fn list(&self, query: Query<'_>) -> Result<Vec<Member>, Fault> {
        query.fetch_all(&mut *self.db.read().await?).await?.iter().map(read_member).collect()
    }

    /// Decided and made under the write lock, so of two owners who go at once one stays.
    async fn set(
        &self,
        workspace: WorkspaceId,
        user: UserId,
        role: Option<Role>,
        now: Timestamp,
    ) -> Result<RoleSet, Fault> {
        let named = |sql| sqlx::query(sql).bind(workspace.to_bytes().to_vec()).bind(user.to_bytes().to_vec());
        let mut tx = self.db.write().await?;
        let before = member(&mut tx, workspace, user).await?;
        if role != Some(Role::Owner)
            && before.as_ref().is_some_and(|member| member.role == Role::Owner)
            && named(ANOTHER_OWNER).fetch_optional(&mut *tx).await?.is_none()
        {
            return Ok(RoleSet::LastOwner);
        }
        let done = match role {
            None => {
                named(REMOVE).execute(&mut *tx).await?;
                before
            }
            Some(role) => {
                let is_user = sqlx::query(BY_ID).bind(&user.to_bytes()[..]).fetch_optional(&mut *tx).await?.is_some();
                if is_user {
                    named(SET).bind(role.as_str()).bind(micros(now)).execute(&mut *tx).await?;
                }
                member(&mut tx, workspace, user).await?
            }
        };
        tx.commit().await?;
        Ok(done.map_or(RoleSet::Unknown, RoleSet::Done))
    }
}

async fn member(conn: &mut SqliteConnection, workspace: WorkspaceId, user: UserId) -> Result<Option<Member>, Fault> {
    let query = sqlx::query(MEMBER).bind(&workspace.to_bytes()[..]).bind(&user.to_bytes()[..]);
    query.fetch_optional(conn).await?.as_ref().map(read_member).transpose()
}

fn read_user(row: &SqliteRow) -> Result<User, Fault> {
    Ok(User {
        id: UserId::from_bytes(row.bytes(0)?),
        issuer: row.at(1)?,
        subject: row.at(2)?,
        name: row.at(3)?,
        email: row.at(4)?,
        created_at: row.time(5)?,
        signed_in_at: row.maybe_time(6)?,
    })
}

fn read_member(row: &SqliteRow) -> Result<Member, Fault> {
    Ok(Member {
        workspace: WorkspaceId::from_bytes(row.bytes(7)?),
        user: read_user(row)?,
        role: Role::parse(row.at(8)?).map_err(|_| Fault::Column("role"))?,
        since: row.time(9)?,
    })
}

#[async_trait]
impl MemberStore for SqliteMemberStore {
    async fn user(&self, proposed: &User) -> Result<User> {
        Ok(self.settle(proposed).await?)
    }

    async fn member(&self, workspace: WorkspaceId, user: UserId) -> Result<Option<Member>> {
        Ok(self.find(workspace, user).await?)
    }

    async fn members(&self, workspace: WorkspaceId) -> Result<Vec<Member>> {
        Ok(self.list(sqlx::query(MEMBERS).bind(&workspace.to_bytes()[..])).await?)
    }

    async fn memberships(&self, user: UserId) -> Result<Vec<Member>> {
        Ok(self.list(sqlx::query(MEMBERSHIPS).bind(&user.to_bytes()[..])).await?)
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
