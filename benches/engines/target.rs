//! Figures and what they should be.

use std::fmt;

use serde_json::{Value, json};

/// A figure and what it should be.
pub(super) struct Target {
    name: String,
    figure: f64,
    limit: f64,
    pub(super) is_met: bool,
}

impl Target {
    pub(super) fn at_least(name: impl Into<String>, figure: f64, limit: f64) -> Self {
        Self { name: name.into(), figure, limit, is_met: figure >= limit }
    }

    pub(super) fn at_most(name: impl Into<String>, figure: f64, limit: f64) -> Self {
        Self { name: name.into(), figure, limit, is_met: figure <= limit }
    }

    pub(super) fn json(&self) -> Value {
        json!({ "name": self.name, "figure": self.figure, "limit": self.limit, "met": self.is_met })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, figure, limit, is_met } = self;
        let verdict = if *is_met { "met" } else { "missed" };
        write!(f, "{verdict:>6}  {name}: {figure:.3} (target {limit})")
    }
}
