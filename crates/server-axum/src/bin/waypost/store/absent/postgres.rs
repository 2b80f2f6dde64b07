//! PostgreSQL, in a build without it.

use waypost_core::{Error, Kind, Result};

use super::parts::Base;
use super::schema::{Run, Step};
use crate::doctor::Finding;
use crate::settings::{ServerUrl, Settings};

const MISSING: &str = "this build lacks the feature `postgres`; build with it (cargo build --release -p \
                       waypost-server-axum --features postgres), or take sqlite://PATH";

fn missing<T>() -> Result<T> {
    Err(Error::new(Kind::Invalid, MISSING))
}

pub(super) async fn open(_: &Settings, _: &ServerUrl) -> Result<Base> {
    missing()
}

pub(super) async fn migrations(_: &Settings, _: &ServerUrl) -> Result<Vec<Step>> {
    missing()
}

pub(super) async fn migrate(_: &Settings, _: &ServerUrl, _: Run) -> Result<Vec<Step>> {
    missing()
}

pub(super) async fn examine(_: &Settings, _: &ServerUrl) -> Vec<Finding> {
    vec![Finding::fail("postgres", MISSING)]
}
