//! The section `[gateway]` of the settings, checked against what this node has.

use http::Method;
use serde_json::Value;
use waypost_server_axum::Own;
use waypost_server_axum::proxy::config::{Fault, Plan, Section, Vocabulary, check};

use crate::failure::Failure;
use crate::settings::Settings;

/// The words that the section may use on this node.
///
/// # Errors
/// A setting that does not fit.
pub(crate) fn vocabulary(settings: &Settings) -> Result<Vocabulary, Failure> {
    let own = settings.roles.own();
    let routes = own.routes().into_iter().map(|route| (route.path, route.method));
    let policies = crate::serve::plans(settings)?.policies().map(str::to_owned).collect();
    Ok(Vocabulary { policies, own: routes.collect(), follows: own == Own::All })
}

/// The routes and upstreams of a section; none if there is none.
///
/// # Errors
/// Every fault.
pub(crate) fn plan(section: Option<&toml::Value>, words: &Vocabulary) -> Result<Plan, Vec<Fault>> {
    match section {
        Some(section) => plan_of(json(section), words),
        None => Ok(Plan::default()),
    }
}

/// The same, of a value that was read already; `Null` is no section, and an empty one has no routes.
pub(super) fn plan_of(section: Value, words: &Vocabulary) -> Result<Plan, Vec<Fault>> {
    if section.is_null() || section.as_object().is_some_and(serde_json::Map::is_empty) {
        return Ok(Plan::default());
    }
    check(&Section::read(section)?, words)
}

/// TOML as JSON. A moment becomes its text: no key of the section is one.
pub(super) fn json(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.as_str().into(),
        toml::Value::Integer(number) => (*number).into(),
        toml::Value::Float(number) => (*number).into(),
        toml::Value::Boolean(flag) => (*flag).into(),
        toml::Value::Datetime(moment) => moment.to_string().into(),
        toml::Value::Array(items) => items.iter().map(json).collect(),
        toml::Value::Table(fields) => fields.iter().map(|(name, value)| (name.clone(), json(value))).collect(),
    }
}

/// A follow of a short link, as a table of routes shows it.
pub(super) const FOLLOW: (&str, Method) = ("/{slug}", Method::GET);
