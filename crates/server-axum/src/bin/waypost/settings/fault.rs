//! A setting that cannot be used.

use std::fmt;

/// A setting that cannot be used: one line that names the setting, the value's fault and the cure.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SettingFault {
    name: String,
    fault: String,
}

impl SettingFault {
    /// A fault of the setting called `name`.
    pub(crate) fn new(name: impl Into<String>, fault: impl Into<String>) -> Self {
        Self { name: name.into(), fault: fault.into() }
    }
}

impl fmt::Display for SettingFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // One line, whatever a library put into its message.
        let line = format!("{}: {}", self.name, self.fault);
        f.write_str(
            &line.split(['\r', '\n']).map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" "),
        )
    }
}

impl std::error::Error for SettingFault {}
