//! A session, and where it is.

use std::sync::Arc;

use jiff::Timestamp;

use crate::credentials::Actor;
use crate::error::{Error, Issue, Result};
use crate::ids::{SessionId, WorkspaceId};

/// One live session that watches a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Presence {
    /// The session: one connection of one client.
    pub session: SessionId,
    /// Who it is.
    pub actor: Actor,
    /// Since when it watches, to the microsecond and not before 1970.
    pub since: Timestamp,
}

/// A subject of a workspace, where sessions may be. Clones share the text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    workspace: WorkspaceId,
    subject: Arc<str>,
}

impl Place {
    /// The most bytes of a subject: room for any id and a few words, and small enough to stand in every key of a store.
    pub const LONGEST: usize = 256;

    /// The place of this name: 1 to 256 bytes, of any characters.
    ///
    /// # Errors
    /// [`Invalid`](crate::Kind::Invalid) for a subject that is empty or longer.
    pub fn new(workspace: WorkspaceId, subject: &str) -> Result<Self> {
        if subject.is_empty() || subject.len() > Self::LONGEST {
            let issue = format!("must have 1 to {} bytes", Self::LONGEST);
            return Err(Error::invalid(vec![Issue::new("subject", issue)]));
        }
        Ok(Self { workspace, subject: subject.into() })
    }

    /// The workspace.
    pub fn workspace(&self) -> WorkspaceId {
        self.workspace
    }

    /// The subject.
    pub fn subject(&self) -> &str {
        &self.subject
    }
}

/// A presence at its place: what is entered, renewed and left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stay {
    /// Where.
    pub place: Place,
    /// Who.
    pub presence: Presence,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn a_subject_has_1_to_256_bytes() {
        let workspace = WorkspaceId::from_bytes([1; 16]);
        let longest = "é".repeat(128);
        for subject in ["a", "\0", &longest] {
            assert_eq!(Place::new(workspace, subject).expect("a place").subject(), subject);
        }
        for subject in [String::new(), format!("{longest}a")] {
            assert_eq!(Place::new(workspace, &subject).expect_err("no place").kind(), Kind::Invalid);
        }
    }
}
