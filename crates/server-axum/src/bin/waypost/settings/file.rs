//! The file of settings, `waypost.toml`.

use std::collections::BTreeMap;
use std::path::Path;

use super::setting::Setting;
use super::table::TABLE;
use super::{SettingFault, either, name};

/// Read where no other file is named, if it is there.
const FILE: &str = "waypost.toml";

/// The tables that a file may have beside its settings. Each is read by the part that it is named after.
pub(super) const SECTIONS: [&str; 4] = ["gateway", "plans", "issuers", "farewells"];

/// The keys of a file and their values as text.
#[derive(Debug, Default)]
pub(super) struct Keys {
    path: String,
    values: BTreeMap<String, String>,
    sections: toml::Table,
}

/// Reads the file that a flag or else the environment names, else `waypost.toml` of the working directory if there is
/// one. A file that was named must be there.
pub(super) fn read(flag: Option<&str>, variable: Option<&str>) -> Result<Keys, SettingFault> {
    let (path, named_by) = match (flag, variable.filter(|path| !path.is_empty())) {
        (Some(path), _) => (path, Some("--config")),
        (None, Some(path)) => (path, Some(super::env::CONFIG)),
        (None, None) => (FILE, None),
    };
    if named_by.is_none() && !Path::new(path).exists() {
        return Ok(Keys::default());
    }
    let text = std::fs::read_to_string(path).map_err(|fault| {
        let fault = format!("{path} cannot be read ({fault}); name a file of settings, or none");
        SettingFault::new(named_by.unwrap_or(FILE), fault)
    })?;
    Keys::parse(path, &text)
}

impl Keys {
    /// Reads the text of a file.
    pub(super) fn parse(path: &str, text: &str) -> Result<Self, SettingFault> {
        let table: toml::Table = toml::from_str(text).map_err(|fault| {
            let before = fault.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            SettingFault::new(path, format!("line {line} is not TOML: {}; write KEY = VALUE", fault.message()))
        })?;
        let (mut values, mut sections) = (BTreeMap::new(), toml::Table::new());
        for (key, value) in table {
            if SECTIONS.contains(&key.as_str()) {
                // A list as well: `[[issuers]]`.
                if !matches!(value, toml::Value::Table(_) | toml::Value::Array(_)) {
                    let name = format!("{path}: {key}");
                    return Err(SettingFault::new(name, format!("is a section; write [{key}] above what it holds")));
                }
                sections.insert(key, value);
                continue;
            }
            let text = text_of(value).ok_or_else(|| {
                SettingFault::new(
                    format!("{path}: {key}"),
                    "is a table or a time; write a text, a number or a list of texts",
                )
            })?;
            values.insert(key, text);
        }
        Ok(Self { path: path.to_owned(), values, sections })
    }

    /// The sections, as they stand there.
    pub(super) fn sections(&self) -> &toml::Table {
        &self.sections
    }

    /// The file, if there is one.
    pub(super) fn path(&self) -> Option<&str> {
        Some(self.path.as_str()).filter(|path| !path.is_empty())
    }

    /// What the file says of a setting.
    pub(super) fn of(&self, setting: &Setting) -> Result<Option<(String, String)>, SettingFault> {
        let get = |key: String| {
            let value = self.values.get(&key)?;
            Some((format!("{}: {key}", self.path), value.clone()))
        };
        let file = if setting.secret { get(format!("{}_file", setting.key)) } else { None };
        either(setting, get(setting.key.to_owned()), file)
    }

    /// Refuses keys that mean nothing here.
    pub(super) fn check_names(&self) -> Result<(), SettingFault> {
        let known: Vec<String> = TABLE.iter().flat_map(Setting::keys).collect();
        let Some(key) = self.values.keys().find(|key| !known.contains(key)) else {
            return Ok(());
        };
        let fault = name::unknown(key, known.iter().map(String::as_str));
        Err(SettingFault::new(format!("{}: {key}", self.path), fault))
    }
}

/// A value as it would stand in the environment; `None` for a table or a time.
fn text_of(value: toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Float(number) => Some(number.to_string()),
        toml::Value::Boolean(flag) => Some(flag.to_string()),
        toml::Value::Array(items) => {
            let texts: Option<Vec<_>> = items.into_iter().map(text_of).collect();
            texts.map(|texts| texts.join(","))
        }
        toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    }
}
