//! What a setting is.

use super::Settings;

/// What our names in the environment begin with.
pub(super) const PREFIX: &str = "WAYPOST_";
/// What a setting takes that is on or off.
pub(super) const YES_OR_NO: &str = "true|false";

/// One setting.
pub(super) struct Setting {
    /// Its key in the file; the flag and the variable are made of it.
    pub(super) key: &'static str,
    /// What it takes, in words.
    pub(super) value: &'static str,
    /// What holds if nobody gives it.
    pub(super) default: Otherwise,
    /// Which commands need it.
    pub(super) group: Group,
    /// Whether it may stand in a file of its own, named by `…_file`.
    pub(super) secret: bool,
    /// What it is for, in one sentence.
    pub(super) help: &'static str,
    /// Takes the value, or says what is wrong with it and what would be right.
    pub(super) set: fn(&mut Settings, &str) -> Result<(), String>,
}

/// What holds for a setting that nobody gives.
#[derive(Clone, Copy)]
pub(super) enum Otherwise {
    /// This value.
    Value(&'static str),
    /// What these words say.
    Told(&'static str),
}

/// Which commands need a setting.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    /// Those that work on the store.
    Store,
    /// `serve` and `doctor`.
    Serve,
    /// Those that can talk to a running server.
    Remote,
    /// All.
    Log,
}

/// The variable of a key.
pub(super) fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.to_ascii_uppercase())
}

impl Setting {
    /// Its name in the environment.
    pub(super) fn variable(&self) -> String {
        variable(self.key)
    }

    /// Its names in the environment.
    pub(super) fn variables(&self) -> Vec<String> {
        self.keys().iter().map(|key| variable(key)).collect()
    }

    /// Its names in the file.
    pub(super) fn keys(&self) -> Vec<String> {
        let file = self.secret.then(|| format!("{}_file", self.key));
        [self.key.to_owned()].into_iter().chain(file).collect()
    }

    /// Its name as a flag, without the dashes.
    pub(super) fn flag(&self) -> String {
        self.key.replace('_', "-")
    }

    /// What `--help` says of it.
    pub(super) fn flag_help(&self) -> String {
        let (Otherwise::Value(default) | Otherwise::Told(default)) = self.default;
        format!("{} [env: {}] [default: {default}]", self.help, self.variable())
    }
}

macro_rules! setting {
    ($key:literal, $value:expr, $default:expr, $group:ident, $help:literal, $set:expr) => {
        Setting {
            key: $key,
            value: $value,
            default: $default,
            group: Group::$group,
            secret: false,
            help: $help,
            set: $set,
        }
    };
    (secret $key:literal, $value:expr, $default:expr, $group:ident, $help:literal, $set:expr) => {
        Setting {
            key: $key,
            value: $value,
            default: $default,
            group: Group::$group,
            secret: true,
            help: $help,
            set: $set,
        }
    };
}

pub(super) use setting;
