//! The routes that lead elsewhere, and what goes on beside them.

use std::io;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use waypost_core::clock::{Clock, SystemClock};
use waypost_core::engine::Engine;
use waypost_server_axum::Gateway;
use waypost_server_axum::proxy::config::{Plan, Vocabulary};
use waypost_server_axum::proxy::forward::Edge;
use waypost_server_axum::proxy::reload::Waker;
use waypost_server_axum::proxy::table::Table;
use waypost_server_axum::proxy::upstream::HealthChecks;

use crate::failure::Failure;
use crate::gateway::{SettingsFile, every, plan, vocabulary};
use crate::settings::Settings;

/// What the settings say of routes elsewhere, checked before anything is opened.
#[derive(Debug)]
pub(super) struct Planned {
    plan: Plan,
    words: Vocabulary,
}

/// The configured routes of a node.
#[derive(Debug)]
pub(super) struct Elsewhere {
    pub(super) table: Arc<Table>,
    words: Vocabulary,
    edge: Edge,
}

impl Planned {
    /// Reads what the settings say; nothing on a node without the role.
    ///
    /// # Errors
    /// Every fault of the section.
    pub(super) fn of(settings: &Settings) -> Result<Self, Failure> {
        let words = vocabulary(settings)?;
        let section = settings.sections.get("gateway").filter(|_| settings.roles.leads_elsewhere());
        Ok(Self { plan: plan(section, &words).map_err(every)?, words })
    }

    /// Builds it.
    ///
    /// # Errors
    /// Every fault that shows only now.
    pub(super) fn build(self, edge: Edge) -> Result<Elsewhere, Failure> {
        let table = Table::build(&self.plan, None, &edge).map_err(every)?;
        Ok(Elsewhere { table: Arc::new(table), words: self.words, edge })
    }
}

impl Elsewhere {
    /// The engines: the health of targets, and the file, where there is one to watch.
    ///
    /// # Errors
    /// When the system allows no handler of signals.
    pub(super) fn engines(self, settings: &Settings, gateway: &Gateway) -> io::Result<Vec<Box<dyn Engine>>> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let (at, gateway) = (gateway.clone(), gateway.clone());
        let current = Arc::new(move || at.table().upstreams().to_vec());
        let mut engines: Vec<Box<dyn Engine>> = vec![Box::new(HealthChecks::new(current, clock))];
        if let (Some(file), true) = (&settings.file, settings.roles.leads_elsewhere()) {
            let reload =
                SettingsFile::new(file).watch(settings.sections.get("gateway"), gateway, self.words, self.edge);
            on_hangup(reload.waker())?;
            engines.push(Box::new(reload));
        }
        Ok(engines)
    }
}

/// Wakes whoever reads the configuration at each SIGHUP, for as long as the program runs.
fn on_hangup(waker: Waker) -> io::Result<()> {
    let mut hangups = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while hangups.recv().await.is_some() {
            waker.wake();
        }
    });
    Ok(())
}
