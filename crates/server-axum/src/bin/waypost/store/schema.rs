//! The tables of a store that has tables.

use waypost_core::Result;

use super::dependency::Dependency;
use super::{postgres, sqlite};
use crate::failure::Failure;
use crate::settings::{Place, Settings};

/// One step of the schema.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// Its number; they run in this order.
    pub(crate) version: i64,
    /// What it is about.
    pub(crate) name: &'static str,
    /// Whether the store has it.
    pub(crate) applied: bool,
}

/// Whether what runs is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Run {
    /// It is.
    Apply,
    /// It is undone again.
    Try,
}

/// The steps, and which of them the store has; changes nothing.
///
/// # Errors
/// Those of the store, and a store in memory.
pub(crate) async fn migrations(settings: &Settings) -> Result<Vec<Step>, Failure> {
    match settings.place() {
        Place::Memory => Err(without_tables(settings)),
        Place::File(file) => Ok(sqlite::migrations(&file).await?),
        Place::Postgres(url) => Dependency::postgres(url).open(settings, || postgres::migrations(settings, url)).await,
    }
}

/// Runs the steps that are missing; gives those that it ran.
///
/// # Errors
/// As [`migrations`].
pub(crate) async fn migrate(settings: &Settings, run: Run) -> Result<Vec<Step>, Failure> {
    match settings.place() {
        Place::Memory => Err(without_tables(settings)),
        Place::File(file) => Ok(sqlite::migrate(&file, run).await?),
        Place::Postgres(url) => {
            Dependency::postgres(url).open(settings, || postgres::migrate(settings, url, run)).await
        }
    }
}

fn without_tables(settings: &Settings) -> Failure {
    let fault = "a store in memory has no tables to migrate; name a sqlite:// or postgres:// one";
    settings.fault("database_url", fault).into()
}
