//! NATS, in a build without it.

use waypost_core::{Error, Kind, Result};

use super::parts;
use crate::doctor::Finding;
use crate::settings::{ServerUrl, Settings};

const MISSING: &str = "this build lacks the feature `nats`; build with it (cargo build --release -p \
                       waypost-server-axum --features nats), or remove the setting";

pub(super) async fn open(_: &Settings, _: &ServerUrl) -> Result<parts::Nats> {
    Err(Error::new(Kind::Invalid, MISSING))
}

pub(super) async fn examine(_: &Settings, _: &ServerUrl) -> Vec<Finding> {
    vec![Finding::fail("nats", MISSING)]
}
