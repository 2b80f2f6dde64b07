//! What `waypost doctor` wants to know of everything that the platform depends on.

use super::{postgres, sqlite};
use crate::doctor::Finding;
use crate::settings::{Place, Settings};

/// Looks at all of it, and changes none of it.
pub(crate) async fn examine(settings: &Settings) -> Vec<Finding> {
    let mut findings = match settings.place() {
        Place::Memory => vec![Finding::ok("store", "in memory")],
        Place::File(file) => vec![sqlite::examine(settings, &file).await],
        Place::Postgres(url) => postgres::examine(settings, url).await,
    };
    if let Some(url) = &settings.redis_url {
        findings.extend(super::redis::examine(settings, url).await);
    }
    if let Some(url) = &settings.nats_url {
        findings.extend(super::nats::examine(settings, url).await);
    }
    findings
}
