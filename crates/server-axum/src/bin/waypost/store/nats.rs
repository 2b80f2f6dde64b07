//! A NATS with JetStream beside the store.

use std::sync::Arc;

use waypost_adapters::nats::{Nats, NatsEventBus, NatsOptions, NatsProbe, NatsServer};
use waypost_core::Result;

use super::parts;
use crate::doctor::Finding;
use crate::failure::in_full;
use crate::settings::{ServerUrl, Settings};

/// Connects, and makes the log if it is not there.
pub(super) async fn open(settings: &Settings, url: &ServerUrl) -> Result<parts::Nats> {
    let nats = Nats::open(options(settings, url)).await?;
    Ok(parts::Nats {
        bus: Arc::new(NatsEventBus::new(&nats)),
        probe: Arc::new(NatsProbe::new(&nats)),
        closing: Box::pin(async move {
            nats.close().await;
            Ok(())
        }),
    })
}

/// Looks at the server; makes no log.
pub(super) async fn examine(settings: &Settings, url: &ServerUrl) -> Vec<Finding> {
    let finding = match NatsServer::ask(options(settings, url)).await {
        Ok(server) => Finding::ok("nats", format!("{url} answers with JetStream, version {}", server.version)),
        Err(error) => {
            let cure = "start it with JetStream (nats-server -js), or correct nats_url";
            Finding::fail("nats", format!("{url}: {}; {cure}", in_full(&error)))
        }
    };
    vec![finding]
}

fn options(settings: &Settings, url: &ServerUrl) -> NatsOptions {
    NatsOptions {
        prefix: settings.nats_prefix.clone(),
        replicas: settings.nats_replicas,
        ..NatsOptions::new(url.expose())
    }
}
