//! The store, opened: the technologies that the settings name, put together. These are the files that choose among them.
//!
//! One file a technology, behind one switch, on its `mod` line below. Where a build lacks one, a file of `absent/` stands
//! in its place, and says how to build with it.

mod dependency;
mod examine;
mod memory;
mod parts;
mod schema;
mod site;
mod sqlite;

#[cfg_attr(not(feature = "nats"), path = "absent/nats.rs")]
mod nats;
#[cfg_attr(not(feature = "postgres"), path = "absent/postgres.rs")]
mod postgres;
#[cfg_attr(not(feature = "redis"), path = "absent/redis.rs")]
mod redis;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use waypost_adapters::memory::MemoryClickSpool;
use waypost_core::clicks::{ClickSpool, Describe, Hit, Visitor};
use waypost_core::clock::{Clock as _, SystemClock};
use waypost_core::credentials::{Actor, Principal, Scopes};
use waypost_core::entropy::OsEntropy;
use waypost_core::ids::{KeyId, WorkspaceId};
use waypost_core::links::Site;
use waypost_core::{Platform, PlatformOptions, Result, WebhookOptions};

use crate::data_dir;
use crate::failure::Failure;
use crate::settings::{Bus, Limiter, Place, Settings};
use dependency::Dependency;
pub(crate) use examine::examine;
use parts::{Base, Closing};
pub(crate) use schema::{Run, migrate, migrations};
pub(crate) use site::{public_url, site};

/// The workspace that everybody has.
pub(crate) const WORKSPACE: &str = "default";

/// How long a connection may take to be closed. One that hangs has nothing to lose: what was answered is committed.
const CLOSING: Duration = Duration::from_secs(10);

/// The platform on its store.
pub(crate) struct Store {
    pub(crate) platform: Arc<Platform>,
    /// Ends of what was opened, in their order.
    closings: Vec<Closing>,
}

/// What a store is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// To serve, until a signal comes.
    Serve,
    /// For a command that works on it and ends.
    Command,
}

impl Store {
    /// Opens the store for a command that works on it and ends: no spool, no description of visitors, and nothing beside
    /// the store, since such a command counts no requests and sends no events.
    ///
    /// # Errors
    /// A store in memory, which such a command would find empty and leave empty; else those of the store.
    pub(crate) async fn open(settings: &Settings) -> Result<Self, Failure> {
        if !settings.keeps_files() {
            let fault = "a store in memory ends with its server; name another one, or a server by --url";
            return Err(settings.fault("database_url", fault).into());
        }
        let base = base(settings, Purpose::Command).await?;
        // No visitor comes this way.
        let spool = Arc::new(MemoryClickSpool::new(0, SystemClock.now(), &OsEntropy));
        let site = site(settings, public_url(settings, settings.listen))?;
        let (ports, closing) = base.into_ports(spool, Arc::new(Nobody));
        let webhooks = WebhookOptions {
            seal_key: settings.seal_key(),
            seal_keys_before: settings.seal_keys_before(),
            ..WebhookOptions::default()
        };
        let options = PlatformOptions { webhooks, ..PlatformOptions::default() };
        let platform = Platform::assemble(ports, site, options).await?;
        Ok(Self { platform, closings: vec![closing] })
    }

    /// Opens a store that is there already, for a command that only reads: a new one would be empty, and its answer
    /// mistaken for the right one.
    ///
    /// # Errors
    /// As [`open`](Self::open), and where there is no store.
    pub(crate) async fn open_existing(settings: &Settings) -> Result<Self, Failure> {
        if let Some(file) = settings.database_file()
            && !file.exists()
        {
            let fault = format!("there is no store at {}; name the directory of the server", file.display());
            return Err(settings.fault("data_dir", fault).into());
        }
        Self::open(settings).await
    }

    /// Puts the platform together on everything that the settings name, to serve.
    ///
    /// # Errors
    /// What cannot be opened, under the setting that names it.
    pub(crate) async fn serve(
        settings: &Settings,
        site: Site,
        spool: Arc<dyn ClickSpool>,
        describe: Arc<dyn Describe>,
        options: PlatformOptions,
    ) -> Result<Self, Failure> {
        let base = base(settings, Purpose::Serve).await?;
        let limiter = base.limiter.clone();
        let (mut ports, closing) = base.into_ports(spool, describe);
        let mut closings = vec![closing];
        if settings.limiter() == Limiter::Store {
            ports.limiter = limiter;
        }
        if let Some(url) = &settings.redis_url {
            let opened = Dependency::redis(url).open(settings, || self::redis::open(settings, url)).await?;
            ports.invalidations = opened.invalidations;
            ports.presence = opened.presence;
            ports.probes.push(opened.probe);
            if settings.limiter() == Limiter::Redis {
                ports.limiter = opened.limiter;
            }
            if settings.bus() == Bus::Redis {
                ports.bus = opened.bus;
            }
        }
        if let Some(url) = &settings.nats_url {
            let opened = Dependency::nats(url).open(settings, || self::nats::open(settings, url)).await?;
            ports.bus = opened.bus;
            ports.probes.push(opened.probe);
            closings.push(opened.closing);
        }
        let platform = Platform::assemble(ports, site, options).await?;
        Ok(Self { platform, closings })
    }

    /// Who works on the store itself: everything is allowed, as to whoever can open it.
    pub(crate) fn operator(&self, workspace: WorkspaceId) -> Principal {
        let key = KeyId::fresh(self.platform.clock.now(), &*self.platform.entropy);
        Principal { workspace, actor: Actor::Key(key), scopes: Scopes::ALL, plan: None, traceparent: None }
    }

    /// Closes what was opened; what was written is durable then.
    pub(crate) async fn close(self) -> Result<()> {
        let mut outcome = Ok(());
        for closing in self.closings {
            match tokio::time::timeout(CLOSING, closing).await {
                Ok(closed) => outcome = outcome.and(closed),
                Err(_) => tracing::warn!("a connection does not close; it is cut"),
            }
        }
        outcome
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("platform", &self.platform).finish_non_exhaustive()
    }
}

/// Opens the store that the settings name.
async fn base(settings: &Settings, purpose: Purpose) -> Result<Base, Failure> {
    match settings.place() {
        Place::Memory => Ok(memory::open()),
        Place::File(file) => {
            data_dir::make(settings)?;
            Dependency::file(settings, &file).open(settings, || sqlite::open(&file, purpose)).await
        }
        Place::Postgres(url) => Dependency::postgres(url).open(settings, || postgres::open(settings, url)).await,
    }
}

/// Describes nobody, for commands that see no visitor.
#[derive(Debug)]
struct Nobody;

impl Describe for Nobody {
    fn describe(&self, _: &Hit) -> Visitor {
        Visitor::default()
    }
}
