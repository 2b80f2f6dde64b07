//! Members: the people of a workspace, and their roles.
//!
//! People sign in at an OpenID provider that the operator trusts; no password is kept here. Whom the provider vouches
//! for is a [`User`], the same in every workspace; what they may do in one is told by their [`Role`] there.

mod member;
mod port;
mod role;
#[cfg(feature = "services")]
mod service;

pub use member::{Member, User};
pub use port::{MemberStore, RoleSet};
pub use role::{Role, UnknownRole};
#[cfg(feature = "services")]
pub use service::{Members, NewMember};
