//! Settings: a flag, else the environment, else `waypost.toml`, else the default.
//!
//! [`TABLE`](table::TABLE) lists each setting once. The flags, the names of the environment, the keys of the file, and
//! `docs/settings.md` are made from it. A setting that cannot be used ends the program with status 2 and one line that
//! names the setting, the fault and the cure; so does a name that nobody knows, since a misspelt setting is a setting
//! that does not hold.

mod choices;
mod env;
mod fault;
mod file;
mod flags;
mod issuers;
mod live;
mod name;
mod oidc;
mod place;
mod plans;
mod server_url;
mod setting;
mod table;
#[cfg(test)]
mod tests;
mod values;
mod webhooks;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub(crate) use choices::{Bus, Limiter};
pub(crate) use fault::SettingFault;
pub(crate) use flags::{AllFlags, ClientFlags, StoreFlags};
pub(crate) use place::Place;
pub(crate) use plans::read as plans;
pub(crate) use server_url::ServerUrl;
pub(crate) use values::{Database, LogFormat, Rate, Secret, duration, time};

use crate::roles::Roles;
use flags::Given;
use oidc::Oidc;
use setting::{Otherwise, Setting};
use table::TABLE;
use waypost_core::issuers::IssuerOptions;
use waypost_core::push::LiveOptions;
use webhooks::Sending;

/// What holds for this run.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) public_url: Option<String>,
    pub(crate) domains: Vec<String>,
    pub(crate) roles: Roles,
    pub(crate) tls_certificate: Option<PathBuf>,
    pub(crate) tls_key: Option<PathBuf>,
    pub(crate) data_dir: PathBuf,
    pub(crate) database: Database,
    pub(crate) database_connections: u32,
    pub(crate) database_schema: Option<String>,
    pub(crate) redis_url: Option<ServerUrl>,
    pub(crate) redis_prefix: String,
    pub(crate) nats_url: Option<ServerUrl>,
    pub(crate) nats_prefix: String,
    pub(crate) nats_replicas: usize,
    /// As chosen; what it comes to is told by [`Settings::bus`].
    pub(crate) bus_choice: Bus,
    /// As chosen; what it comes to is told by [`Settings::limiter`].
    pub(crate) limiter_choice: Limiter,
    pub(crate) start_patience: Duration,
    pub(crate) admin_key: Option<Secret>,
    pub(crate) url: Option<String>,
    pub(crate) key: Option<Secret>,
    pub(crate) log: Option<String>,
    pub(crate) log_format: Option<LogFormat>,
    pub(crate) trusted_proxies: Vec<String>,
    pub(crate) cors_origins: Vec<String>,
    pub(crate) upstream_name: Option<String>,
    pub(crate) rate_limit: Option<Rate>,
    pub(crate) token_generation: u32,
    pub(crate) allow_private_destinations: bool,
    pub(crate) webhook_allow_http: bool,
    pub(crate) sending: Sending,
    pub(crate) live: LiveOptions,
    pub(crate) most_in_flight: usize,
    pub(crate) most_connections: usize,
    pub(crate) destination_schemes: Vec<String>,
    pub(crate) geoip_file: Option<PathBuf>,
    pub(crate) keep_events: Duration,
    pub(crate) keep_clicks: Duration,
    pub(crate) link_cache_bytes: u64,
    pub(crate) spool_bytes: u64,
    pub(crate) shutdown_grace: Duration,
    pub(crate) oidc: Oidc,
    /// The section `[[issuers]]` of the file.
    pub(crate) issuers: Vec<IssuerOptions>,
    /// The sections of the file, as they stand there: those of [`file::SECTIONS`], each for the part that it is named after.
    pub(crate) sections: toml::Table,
    /// The file that was read, if any.
    pub(crate) file: Option<PathBuf>,
    /// The name under which each setting was given, for messages about it.
    pub(crate) named: BTreeMap<&'static str, String>,
}

impl Settings {
    /// Gathers what holds for this run.
    ///
    /// # Errors
    /// [`SettingFault`] for a value that cannot be used, a name that is not known, and a file that cannot be read.
    pub(crate) fn load(flags: &Given) -> Result<Self, SettingFault> {
        let environment = env::read();
        let file = file::read(flags.config(), environment.get(env::CONFIG).map(String::as_str))?;
        Self::resolve(flags, &environment, &file)
    }

    fn resolve(flags: &Given, environment: &env::Variables, file: &file::Keys) -> Result<Self, SettingFault> {
        env::check_names(environment)?;
        file.check_names()?;
        let mut settings = Self::default();
        for setting in &TABLE {
            let given = match flags.of(setting)? {
                Some(given) => Some(given),
                None => match env::of(environment, setting)? {
                    Some(given) => Some(given),
                    None => file.of(setting)?,
                },
            };
            match given {
                Some((name, value)) => {
                    (setting.set)(&mut settings, &value).map_err(|fault| SettingFault::new(name.clone(), fault))?;
                    settings.named.insert(setting.key, name);
                }
                None => {
                    if let Otherwise::Value(value) = setting.default {
                        (setting.set)(&mut settings, value)
                            .map_err(|fault| SettingFault::new(setting.variable(), fault))?;
                    }
                }
            }
        }
        settings.sections = file.sections().clone();
        settings.file = file.path().map(PathBuf::from);
        if let Some((place, section)) = settings.section("issuers") {
            settings.issuers = issuers::read(&place, section)?;
        }
        settings.check_choices()?;
        settings.check_seal_keys()?;
        settings.check_keep_deliveries()?;
        Ok(settings)
    }

    /// A section of the file, and what it is called in messages.
    pub(crate) fn section(&self, name: &str) -> Option<(String, &toml::Value)> {
        let file = self.file.as_deref().map_or("waypost.toml".into(), |file| file.to_string_lossy());
        self.sections.get(name).map(|section| (format!("{file}: {name}"), section))
    }

    /// A fault of a setting that shows only when it is used, under the name by which it was given.
    pub(crate) fn fault(&self, key: &'static str, fault: impl Into<String>) -> SettingFault {
        let name = self.named.get(key).cloned();
        SettingFault::new(name.unwrap_or_else(|| setting::variable(key)), fault)
    }

    /// Whether anybody gave this setting.
    pub(crate) fn is_given(&self, key: &str) -> bool {
        self.named.contains_key(key)
    }

    /// Whether this node keeps anything on its disk: a store of its own, or clicks on their way to a store elsewhere.
    pub(crate) fn keeps_files(&self) -> bool {
        self.database != Database::Memory
    }

    /// Where the store is.
    pub(crate) fn place(&self) -> Place<'_> {
        match &self.database {
            Database::Memory => Place::Memory,
            Database::Sqlite(Some(path)) => Place::File(path.clone()),
            Database::Sqlite(None) => Place::File(self.data_dir.join("waypost.db")),
            Database::Postgres(url) => Place::Postgres(url),
        }
    }

    /// The file of the embedded store; `None` for a store elsewhere.
    pub(crate) fn database_file(&self) -> Option<PathBuf> {
        match self.place() {
            Place::File(path) => Some(path),
            Place::Memory | Place::Postgres(_) => None,
        }
    }
}

/// Takes the text of a secret file: without the line end that editors put behind it.
fn read_secret(name: &str, path: &str) -> Result<String, SettingFault> {
    let text = std::fs::read_to_string(path).map_err(|fault| {
        SettingFault::new(name, format!("{path} cannot be read ({fault}); name a file that holds the secret"))
    })?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// What one place says of a setting: the value, or the file that holds it.
fn either(
    setting: &Setting,
    value: Option<(String, String)>,
    file: Option<(String, String)>,
) -> Result<Option<(String, String)>, SettingFault> {
    match (value, file) {
        (Some((name, _)), Some((file, _))) => {
            Err(SettingFault::new(name, format!("is given beside {file}; keep one of the two")))
        }
        (None, Some((name, path))) if setting.secret => {
            let text = read_secret(&name, &path)?;
            Ok(Some((name, text)))
        }
        (value, _) => Ok(value),
    }
}
