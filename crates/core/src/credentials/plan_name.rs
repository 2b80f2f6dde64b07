//! Names of plans.

use std::fmt;
use std::sync::Arc;

/// The name of a plan: a named set of quotas, which the operator defines.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlanName(Arc<str>);

/// The text is no name of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 64 characters of a-z, 0-9, - and _")]
pub struct InvalidPlanName;

impl PlanName {
    /// Reads a name.
    ///
    /// # Errors
    /// [`InvalidPlanName`] tells the form.
    pub fn parse(text: &str) -> Result<Self, InvalidPlanName> {
        let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_');
        if text.is_empty() || text.len() > 64 || !text.bytes().all(letter) {
            return Err(InvalidPlanName);
        }
        Ok(Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PlanName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
