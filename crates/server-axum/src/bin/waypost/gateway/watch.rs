//! The file of settings, watched for changes of its section `[gateway]`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use serde_json::Value;
use waypost_server_axum::Gateway;
use waypost_server_axum::proxy::config::{Fault, Vocabulary};
use waypost_server_axum::proxy::forward::Edge;
use waypost_server_axum::proxy::reload::{Reload, Source};
use waypost_server_axum::proxy::table::Table;

use super::configured::{json, plan_of};

/// The largest file that is read: a thousand times what a configuration of hundreds of routes takes.
const MOST: u64 = 64 << 20;

/// The file. Of its other settings none changes without a restart.
#[derive(Debug)]
pub(crate) struct SettingsFile(PathBuf);

impl SettingsFile {
    /// The file at `path`.
    pub(crate) fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// The engine that puts its section to work in `gateway` once it is another than `current`, which is at work.
    pub(crate) fn watch(
        self,
        current: Option<&toml::Value>,
        gateway: Gateway,
        words: Vocabulary,
        edge: Edge,
    ) -> Reload {
        let take = move |section: Value| {
            let plan = plan_of(section, &words)?;
            let table = Table::build(&plan, Some(&gateway.table()), &edge)?;
            gateway.replace(Arc::new(table)).map_err(|fault| vec![Fault::new("gateway", fault.to_string())])
        };
        Reload::new(Box::new(self), current.map_or(Value::Null, json), Box::new(take))
    }

    fn fault(&self, text: impl Into<String>) -> Vec<Fault> {
        vec![Fault::new(self.0.display().to_string(), text)]
    }
}

impl Source for SettingsFile {
    fn mark(&mut self) -> Option<String> {
        // One look at the directory's entry every few seconds: not worth a thread.
        let known = std::fs::metadata(&self.0).ok()?;
        let modified = known.modified().ok()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        Some(format!("{} {}", modified.as_nanos(), known.len()))
    }

    fn read(&mut self) -> Result<Value, Vec<Fault>> {
        let size = std::fs::metadata(&self.0).map(|known| known.len());
        if size.is_ok_and(|size| size > MOST) {
            return Err(self.fault("is larger than 64 MiB; name a file of settings"));
        }
        let text = std::fs::read_to_string(&self.0)
            .map_err(|fault| self.fault(format!("cannot be read ({fault}); put it back")))?;
        let table: toml::Table =
            toml::from_str(&text).map_err(|fault| self.fault(format!("is not TOML: {}", fault.message())))?;
        Ok(table.get("gateway").map_or(Value::Null, json))
    }
}
