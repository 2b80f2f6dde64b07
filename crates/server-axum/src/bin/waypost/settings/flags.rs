//! The settings as flags, made from the table.

use std::collections::BTreeMap;

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::setting::{Group, Setting, YES_OR_NO};
use super::table::TABLE;
use super::{SettingFault, either};

/// The flags that were given, by key.
#[derive(Debug, Clone, Default)]
pub(crate) struct Given(BTreeMap<String, String>);

/// Every setting as a flag, for those who serve.
pub(crate) type AllFlags = Flags<true, false>;
/// The settings of the store as flags.
pub(crate) type StoreFlags = Flags<false, false>;
/// The settings of the store as flags, or else of a server to talk to.
pub(crate) type ClientFlags = Flags<false, true>;

/// Settings as flags: those of the store, and if asked for those of serving and of a server to talk to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flags<const SERVE: bool, const REMOTE: bool>(pub(crate) Given);

impl Given {
    #[cfg(test)]
    pub(super) fn of_pairs(pairs: &[(&str, &str)]) -> Self {
        Self(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
    }

    /// The same, with another file of settings.
    pub(crate) fn with_config(mut self, file: &str) -> Self {
        self.0.insert("config".to_owned(), file.to_owned());
        self
    }

    /// The file of settings that a flag names.
    pub(super) fn config(&self) -> Option<&str> {
        self.0.get("config").map(String::as_str)
    }

    /// What the flags say of a setting.
    pub(super) fn of(&self, setting: &Setting) -> Result<Option<(String, String)>, SettingFault> {
        let get = |key: String| {
            let value = self.0.get(&key)?;
            Some((format!("--{}", key.replace('_', "-")), value.clone()))
        };
        either(setting, get(setting.key.to_owned()), get(format!("{}_file", setting.key)))
    }
}

impl<const SERVE: bool, const REMOTE: bool> Flags<SERVE, REMOTE> {
    fn settings() -> impl Iterator<Item = &'static Setting> {
        TABLE.iter().filter(|setting| match setting.group {
            Group::Store | Group::Log => true,
            Group::Serve => SERVE,
            Group::Remote => REMOTE,
        })
    }
}

impl<const SERVE: bool, const REMOTE: bool> clap::Args for Flags<SERVE, REMOTE> {
    fn augment_args(command: Command) -> Command {
        let config = Arg::new("config")
            .long("config")
            .value_name("FILE")
            .help("The file of settings [default: waypost.toml, if it is there]")
            .help_heading("Settings");
        Self::settings().fold(command.arg(config), |command, setting| {
            let flag = flag(setting.key, setting.value, setting.flag_help());
            // `--allow-private-destinations` alone means yes.
            let flag = if setting.value == YES_OR_NO {
                flag.num_args(0..=1).require_equals(true).default_missing_value("true")
            } else {
                flag
            };
            // Short URLs in events follow from it, so it is taken everywhere; but who imports does not look for it.
            let command = command.arg(flag.hide(setting.key == "listen" && !SERVE));
            if setting.secret {
                let help = format!("A file that holds what --{} would say", setting.flag());
                command.arg(self::flag(leak(format!("{}_file", setting.key)), "FILE", help))
            } else {
                command
            }
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// Flags are made once a run, and clap wants names that live as long.
fn leak(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

fn flag(key: &'static str, value: &'static str, help: String) -> Arg {
    Arg::new(key)
        .long(leak(key.replace('_', "-")))
        .value_name(value)
        .action(ArgAction::Set)
        .help(help)
        .help_heading("Settings")
}

impl<const SERVE: bool, const REMOTE: bool> clap::FromArgMatches for Flags<SERVE, REMOTE> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let keys = Self::settings().flat_map(Setting::keys).chain(["config".to_owned()]);
        let given = keys.filter_map(|key| {
            let value = matches.try_get_one::<String>(&key).ok().flatten()?.clone();
            Some((key, value))
        });
        Ok(Self(Given(given.collect())))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
