//! Sessions of browsers on the wire.

use serde::{Deserialize, Serialize};

use super::{Member, Time};
use crate::grants;

/// The session that asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CurrentSession {
    /// The session.
    pub session: Session,
    /// The workspace that it acts in.
    pub workspace_id: String,
    /// Whose it is, and their role there.
    pub member: Member,
    /// What may be done by it now.
    pub scopes: Vec<String>,
}

/// A browser that somebody is signed in by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Session {
    /// Its id.
    #[cfg_attr(feature = "schema", schema(example = "grt_01JD3X8M2V7Q5T9B4C6E8G0HJK"))]
    pub id: String,
    /// What the browser calls itself.
    pub label: String,
    /// The workspace that it acts in.
    pub workspace_id: String,
    /// Whether it is the one that asks.
    pub is_current: bool,
    /// When somebody signed in by it.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = DateTime))]
    pub created_at: Time,
    /// When it was last used, to the minute.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = DateTime))]
    pub used_at: Time,
    /// When it ends, however much it is used.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = DateTime))]
    pub expires_at: Time,
}

impl Session {
    /// Shows a session to the one that asks.
    pub fn of(grant: &grants::Grant, current: &grants::Grant) -> Self {
        Self {
            id: grant.id.to_string(),
            label: grant.label.clone(),
            workspace_id: grant.workspace.to_string(),
            is_current: grant.id == current.id,
            created_at: Time(grant.created_at),
            used_at: Time(grant.used_at),
            expires_at: Time(grant.expires_at),
        }
    }
}

impl CurrentSession {
    /// Shows the session that asks.
    #[cfg(feature = "services")]
    pub fn of(session: &grants::Session) -> Self {
        use crate::credentials::Scope;
        let scopes = session.principal().scopes;
        let scopes = Scope::ALL.into_iter().filter(|scope| scopes.contains(*scope));
        Self {
            session: Session::of(&session.grant, &session.grant),
            workspace_id: session.grant.workspace.to_string(),
            member: Member::of(&session.member),
            scopes: scopes.map(|scope| scope.as_str().to_owned()).collect(),
        }
    }
}

/// Where a person goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SwitchWorkspace {
    /// The workspace; the person is a member of it.
    #[cfg_attr(feature = "schema", schema(example = "wsp_01JD3X8M2V7Q5T9B4C6E8G0HJK"))]
    pub workspace_id: String,
}
