//! What is asked for of whatever credential: its name, its scopes, its plan.

use serde_json::Value;

use super::{PlanName, Scopes};
use crate::fields::{Fields, kind};
use crate::limits::Plans;

/// The longest name, in characters.
const LONGEST_NAME: usize = 128;
/// The most scopes that a list names.
const MOST_SCOPES: usize = 64;

/// Reads the field `name`: what people call a credential.
pub(crate) fn read_name(fields: &mut Fields) -> Option<String> {
    fields.text("name", parse_name).value()
}

/// Reads what people call a credential.
///
/// # Errors
/// In words that tell the form.
pub fn parse_name(name: &str) -> Result<String, String> {
    let fits = (1..=LONGEST_NAME).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    let shows = !name.trim().is_empty();
    if fits && shows { Ok(name.to_owned()) } else { Err(format!("must be 1 to {LONGEST_NAME} printable characters")) }
}

/// Reads the field `scopes`: a list of names, or one text as OAuth writes it; at least one scope.
pub(crate) fn read_scopes(fields: &mut Fields) -> Option<Scopes> {
    let scopes = fields.read("scopes", |value| {
        let text = match value {
            Value::String(text) => text,
            Value::Array(items) if items.len() <= MOST_SCOPES => {
                let names: Option<Vec<_>> = items.iter().map(Value::as_str).collect();
                names.ok_or("must be a list of names")?.join(" ")
            }
            Value::Array(_) => return Err(format!("must be at most {MOST_SCOPES} names")),
            other => return Err(format!("must be a list of names, not {}", kind(&other))),
        };
        match Scopes::parse(&text) {
            Ok(scopes) if scopes.is_empty() => Err("must name a scope".to_owned()),
            Ok(scopes) => Ok(scopes),
            Err(fault) => Err(fault.to_string()),
        }
    });
    scopes.value()
}

/// Reads the field `plan`: one that there is.
pub(crate) fn read_plan(fields: &mut Fields, plans: &Plans) -> Option<PlanName> {
    let plan = fields.text("plan", |text| {
        let known = PlanName::parse(text).ok().filter(|name| plans.knows(name));
        known.ok_or_else(|| {
            let names: Vec<_> = plans.names().map(PlanName::as_str).collect();
            format!("must be one of {}", names.join(", "))
        })
    });
    plan.value()
}
