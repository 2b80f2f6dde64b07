//! The principal: who is asking.

use super::{Scope, Scopes};
use crate::error::{Error, Issue, Kind, Result};
use crate::ids::{KeyId, WorkspaceId};

/// Who is asking. Every use case takes one, so that asking "may they?" cannot be forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The workspace that they act in; rows of others are not there for them.
    pub workspace: WorkspaceId,
    /// The key that they showed.
    pub key: KeyId,
    /// What they may do.
    pub scopes: Scopes,
    /// The trace that they ask under (W3C Trace Context); carried on into the events that they cause.
    pub traceparent: Option<Box<str>>,
}

impl Principal {
    /// Demands a scope.
    ///
    /// # Errors
    /// [`Kind::InsufficientScope`], naming the scope.
    pub fn require(&self, scope: Scope) -> Result<()> {
        if self.scopes.contains(scope) {
            return Ok(());
        }
        let message = format!("This needs the scope {scope}, which the credentials do not have");
        Err(Error::new(Kind::InsufficientScope, message).with_issues(vec![Issue::new("scope", scope.as_str())]))
    }
}
