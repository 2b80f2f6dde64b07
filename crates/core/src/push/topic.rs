//! Topics: what a session can listen to.

use crate::ids::WorkspaceId;

/// What is listened to: everything that happens in a workspace, or what happens to one thing in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Topic {
    /// Whose events.
    pub workspace: WorkspaceId,
    /// The thing that they happened to, say a link's id; everything without one.
    pub subject: Option<Box<str>>,
}
