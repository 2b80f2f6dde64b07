//! The environment; this is the one file that reads it.
#![expect(clippy::disallowed_methods, reason = "the one file in which the environment is read")]

use std::collections::BTreeMap;

use super::setting::{self, Setting};
use super::table::TABLE;
use super::{SettingFault, either, name};

/// Variables and their values.
pub(super) type Variables = BTreeMap<String, String>;

/// Names the file of settings.
pub(super) const CONFIG: &str = "WAYPOST_CONFIG";

/// The variables that are ours. One that is not UTF-8 is taken with its faulty bytes replaced, and then refused by its
/// setting.
pub(super) fn read() -> Variables {
    std::env::vars_os()
        .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
        .filter(|(name, _)| name.starts_with(setting::PREFIX))
        .collect()
}

/// What the environment says of a setting. A variable that is empty is not set, as in most service files.
pub(super) fn of(variables: &Variables, setting: &Setting) -> Result<Option<(String, String)>, SettingFault> {
    let get = |name: String| {
        let value = variables.get(&name).filter(|value| !value.is_empty())?;
        Some((name, value.clone()))
    };
    let file = if setting.secret { get(format!("{}_FILE", setting.variable())) } else { None };
    either(setting, get(setting.variable()), file)
}

/// Refuses variables that mean nothing here.
pub(super) fn check_names(variables: &Variables) -> Result<(), SettingFault> {
    let known: Vec<String> = TABLE.iter().flat_map(Setting::variables).chain([CONFIG.to_owned()]).collect();
    for variable in variables.keys() {
        if known.contains(variable) {
            continue;
        }
        return Err(SettingFault::new(variable, name::unknown(variable, known.iter().map(String::as_str))));
    }
    Ok(())
}
