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
    /// What their provider calls them; `null` until they have signed in as a member.
    pub name: Option<String>,
    /// Their address, if their provider has verified it; `null` until they have signed in as a member.
    pub email: Option<String>,
    /// Since when they are a member.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = DateTime))]
    pub since: Time,
    /// When they last signed in; `null` until they have done so as a member.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = DateTime))]
    pub signed_in_at: Option<Time>,
}

impl Member {
    /// Shows a member. What their provider says of them is shown where they came in by themselves since they are a
    /// member: to name somebody is no way to learn of what they do in other workspaces.
    pub fn of(member: &members::Member) -> Self {
        let user = &member.user;
        let signed_in_at = user.signed_in_at.filter(|at| *at >= member.since);
        let told = |text: &Option<String>| text.clone().filter(|_| signed_in_at.is_some());
        Self {
            id: user.id.to_string(),
            role: member.role.to_string(),
            issuer: user.issuer.clone(),
            subject: user.subject.clone(),
            name: told(&user.name),
            email: told(&user.email),
            since: Time(member.since),
            signed_in_at: signed_in_at.map(Time),
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
}

/// What a member shall be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateMember {
    /// What they may do: `owner`, `admin`, `editor` or `viewer`.
    pub role: String,
}
