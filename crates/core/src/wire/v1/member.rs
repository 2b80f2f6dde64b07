//! Members on the wire.

use serde::{Deserialize, Serialize};

use super::Time;
use crate::members;

/// Somebody in a workspace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Member {
    /// Their id.
    #[cfg_attr(feature = "schema", schema(example = "usr_01JD3X8M2V7Q5T9B4C6E8G0HJK"))]
    pub id: String,
    /// What they may do: `owner`, `admin`, `editor` or `viewer`.
    pub role: String,
    /// The provider that vouches for them.
    pub issuer: String,
    /// Who they are to it.
    pub subject: String,
    /// What they are called, if that is known.
    pub name: Option<String>,
    /// Their address, if their provider has verified it.
    pub email: Option<String>,
    /// Since when they are a member.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = DateTime))]
    pub since: Time,
    /// When they last signed in.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = DateTime))]
    pub signed_in_at: Option<Time>,
}

impl Member {
    /// Shows a member.
    pub fn of(member: &members::Member) -> Self {
        let user = &member.user;
        Self {
            id: user.id.to_string(),
            role: member.role.to_string(),
            issuer: user.issuer.clone(),
            subject: user.subject.clone(),
            name: user.name.clone(),
            email: user.email.clone(),
            since: Time(member.since),
            signed_in_at: user.signed_in_at.map(Time),
        }
    }
}

/// Who is to become a member.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AddMember {
    /// The provider that vouches for them.
    pub issuer: String,
    /// Who they are to it.
    pub subject: String,
    /// What they may do: `owner`, `admin`, `editor` or `viewer`.
    pub role: String,
    /// What they are called, until their provider says.
    pub name: Option<String>,
}

/// What a member shall be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateMember {
    /// What they may do: `owner`, `admin`, `editor` or `viewer`.
    pub role: String,
}
